import test from "ava";
import { HOST, type ProcessSpec } from "../../model/kernel.ts";
import { emptyKernel } from "../../testing/memory-kernel.ts";
import { diff } from "./index.ts";

const client = (name: string, netns: string): ProcessSpec => ({
  kind: "process",
  netns,
  name,
  argv: ["client"],
  env: {},
  files: [{ path: "/run/report", content: "" }],
  writes: ["/run/lease"],
});

test("a process that goes leaves the files that one that stays or comes has too", (t) => {
  const kernel = { ...emptyKernel(), process: [{ name: "dhcp-eth0", hash: "old" }] };
  const [removal] = diff(kernel, [client("dhcp-zos", HOST)]).steps;
  t.deepEqual(removal, { op: "process.del", args: { name: "dhcp-eth0", keep: ["/run/report", "/run/lease"] } });
  const lease = { file: "/run/leases/eth0.4" };
  const [taken] = diff(kernel, [{ ...client("dhcp-zos", HOST), lease }]).steps;
  t.deepEqual(taken?.args, { name: "dhcp-eth0", keep: ["/run/report", "/run/lease", lease.file] });
  t.deepEqual(diff(kernel, []).steps, [{ op: "process.del", args: { name: "dhcp-eth0" } }]);
});
