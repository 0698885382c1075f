import test from "ava";
import type { Document } from "../model/document.ts";
import { documentId } from "../model/document.ts";
import { facts, lan, lease, nic, node, resource } from "../testing/builders.ts";
import { emptyKernel, seenRoute } from "../testing/memory-kernel.ts";
import { compile } from "./compile.ts";
import { mayTouchNics, uplinksOf } from "./guarded.ts";

const known = facts({ nics: [nic("up0"), nic("up1")], leases: [lease("up0")] });
const before: readonly Document[] = [lan("lab", { cidr: "10.5.0.0/24" }), resource("demo")];

function touches(added: Document, rest: readonly Document[] = before): boolean {
  const after = [...rest.filter((document) => documentId(document) !== documentId(added)), added];
  return mayTouchNics(compile(rest, known), compile(after, known), new Set([documentId(added)]));
}

test("what concerns virtual links only is seen at a glance not to touch a NIC", (t) => {
  t.false(touches(resource("other", { subnet: "10.10.2.0/24" })));
  t.false(touches(lan("lab", { cidr: "10.5.0.0/24", dhcp: true })));
  t.false(touches(node({ hostname: "n1" })));
});

test("a LAN that takes a NIC, and a node that chooses another one, may touch it", (t) => {
  t.true(touches(lan("lab", { cidr: "10.5.0.0/24", nics: ["up0"] })));
  t.true(touches(node({ uplink: { mode: "dhcp4", nics: ["up1"], ignore: [] } })));
  t.true(touches(node({ uplink: { mode: "none", ignore: [] } })));
  t.true(mayTouchNics(null, compile(before, known), new Set()));
});

test("the node is reached by its best default routes, whoever made them", (t) => {
  const route = [
    seenRoute({ to: "0.0.0.0/0", dev: "eth9", via: "10.0.0.1", metric: 100 }),
    seenRoute({ to: "0.0.0.0/0", dev: "eth8", via: "10.0.0.2", metric: 50 }),
    seenRoute({ to: "0.0.0.0/0", dev: "eth7", via: "10.0.0.3", table: 77 }),
    seenRoute({ to: "::/0", dev: "eth6", via: "fe80::1" }),
  ];
  t.deepEqual(uplinksOf({ ...emptyKernel(), route }, compile(before, known).uplink), ["zos", "eth8", "eth6"]);
  t.deepEqual(uplinksOf(emptyKernel(), null), []);
});
