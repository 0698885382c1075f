import { describeAccelerator } from "../../vm-tests/harness/accel.ts";
import { Lab } from "../../vm-tests/harness/lab.ts";
import { processorSeconds } from "../../vm-tests/harness/proc-stat.ts";
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
    await guest.node.waitForConsole(/netloom: online/u, 90_000);
    const spent = processorSeconds(guest.node.pid) ?? Number.NaN;
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
        name: "processor of it until online",
        ours: spent,
        unit: "s",
        note: "what the machine's QEMU took of the host's processors, whoever else used them",
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
