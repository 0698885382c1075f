import { measureDelay, measureSwitch } from "../../vm-tests/harness/switch-bench.ts";
import type { Bench } from "./figure.ts";

const seconds = 3;
const ports = 64;

/** What a lab's switch carries between two processes of this host, what it adds to the way of a frame, how exact it delays. */
export const switching: Bench = {
  name: "switch",
  inToolbox: false,
  measure: async () => {
    const bare = await measureSwitch(seconds, { ports });
    const captured = await measureSwitch(seconds, { ports, capture: true });
    const impaired = await measureSwitch(seconds, { ports, properties: { delay: "10ms", loss: "1%" } });
    const delay = await measureDelay();
    return [
      {
        name: "switch rate",
        ours: bare.gbits,
        unit: "Gbit/s",
        least: 1,
        note: `1514-byte frames, ${ports} ports open`,
      },
      {
        name: "switch rate, captured",
        ours: captured.gbits,
        unit: "Gbit/s",
        least: 1,
        note: `${captured.dropped} dropped`,
      },
      { name: "switch rate, 10 ms delay and 1 % loss", ours: impaired.gbits, unit: "Gbit/s", least: 1 },
      {
        name: "switch latency, added one way",
        ours: bare.switchedUs - bare.directUs,
        unit: "us",
        bar: 100,
        note: `${bare.directUs.toFixed(0)} us over one plain socket`,
      },
      {
        name: "10 ms delay, median error",
        ours: delay.medianUs / 1000,
        unit: "ms",
        bar: 1,
        note: `never early: ${(delay.leastUs / 1000).toFixed(2)} ms at least`,
      },
    ];
  },
};
