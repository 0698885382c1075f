import { measureSwitch } from "../../vm-tests/harness/switch-bench.ts";
import type { Bench } from "./figure.ts";

const seconds = 3;

/** What a lab's switch carries between two processes of this host, and what it adds to the way of a frame. */
export const switching: Bench = {
  name: "switch",
  inToolbox: false,
  measure: async () => {
    const bare = await measureSwitch(seconds, false);
    const captured = await measureSwitch(seconds, true);
    return [
      { name: "switch rate", value: bare.gbits, unit: "Gbit/s", note: "frames of 1514 bytes" },
      { name: "switch rate, captured", value: captured.gbits, unit: "Gbit/s", note: `${captured.dropped} dropped` },
      {
        name: "switch latency, added one way",
        value: bare.switchedUs - bare.directUs,
        unit: "us",
        note: `${bare.directUs.toFixed(0)} us over one plain socket`,
      },
    ];
  },
};
