import { describeAccelerator } from "../../vm-tests/harness/accel.ts";
import { Lab } from "../../vm-tests/harness/lab.ts";
import { labOptions } from "../../vm-tests/harness/test-lab.ts";
import { GATEWAY, NETWORK } from "../../vm-tests/scenarios/gateway.ts";
import { NetloomGuest } from "../../vm-tests/scenarios/netloom-guest.ts";
import type { Bench } from "./figure.ts";

/** What a lab gives each machine, in MiB. */
const memory = 384;

/** One node that boots alone, its gateway being there: guest seconds until it is online, and the memory it then uses. */
export const boot: Bench = {
  name: "boot",
  inToolbox: true,
  needsImage: true,
  measure: async () => {
    const n1 = { nics: [NETWORK], memory, boot: "cold" } as const;
    const topology = { networks: [NETWORK], nodes: { gateway: GATEWAY, n1 } };
    const options = await labOptions("bench-boot");
    await using lab = await Lab.start(topology, { ...options, boot: ["gateway"] });
    await new NetloomGuest(lab.node("gateway")).online();
    await lab.boot(["n1"]);
    const guest = new NetloomGuest(lab.node("n1"));
    const { onlineAt } = await guest.online();
    const free = /MemAvailable: +(\d+) kB/u.exec(await guest.node.run(["cat", "/proc/meminfo"]))?.[1];
    return [
      {
        name: "kernel start to online",
        ours: onlineAt ?? Number.NaN,
        unit: "s",
        bar: 12,
        note: `guest seconds; ${describeAccelerator(lab.accel)}`,
      },
      {
        name: "memory of a node",
        ours: memory - Number(free) / 1024,
        unit: "MB",
        bar: memory,
        note: `what is not available of ${memory} MB`,
      },
    ];
  },
};
