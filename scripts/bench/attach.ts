import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Netlink, netnsCreate, netnsDelete } from "../../src/host/addon.ts";
import { type Bench, medianMs } from "./figure.ts";

const start = promisify(execFile);
const netns = "bench";
const group = 4711;

/** A veth pair with its far end in another namespace, which is what attaching a container costs: our request, and `ip`. */
export const attach: Bench = {
  name: "attach",
  inToolbox: true,
  measure: async () => {
    await netnsCreate(netns, group);
    try {
      using netlink = await Netlink.open();
      let count = 0;
      const ours = await medianMs(200, async () => {
        count += 1;
        const peer = { name: `o${count}`, group, up: true, netnsPath: `/run/netns/${netns}` };
        const [outcome] = await netlink.batch([
          { op: "link.add", type: "veth", name: `v${count}`, group, up: true, peer },
        ]);
        if (outcome?.ok !== true) throw new Error(`a veth pair was refused: ${JSON.stringify(outcome)}`);
      });
      const theirs = await medianMs(50, () => {
        count += 1;
        const near = ["link", "add", `v${count}`, "type", "veth"];
        return start("ip", [...near, "peer", "name", `i${count}`, "netns", netns]);
      });
      return [
        {
          name: "veth born in its namespace, p50",
          value: ours,
          unit: "ms",
          note: `${(theirs / ours).toFixed(1)} times as fast as ip`,
        },
        { name: "ip link add ... netns, p50", value: theirs, unit: "ms" },
      ];
    } finally {
      await netnsDelete(netns);
    }
  },
};
