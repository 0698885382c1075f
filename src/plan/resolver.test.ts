import test from "ava";
import { NO_FLAGS } from "../model/boot-flags.ts";
import type { NodeDocument } from "../model/document.ts";
import type { ProbeFact } from "../model/facts.ts";
import { HOST, type KernelObject } from "../model/kernel.ts";
import { facts, lease, nic, node } from "../testing/builders.ts";
import { compile } from "./compile.ts";
import { compileResolver, nameServers, searchList, timeServers } from "./resolver.ts";
import { settings } from "./settings.ts";

const heard: ProbeFact = {
  since: 1,
  lease4: lease("eth0", { dns: ["192.0.2.1", "192.0.2.2"], ntp: ["192.0.2.4"], search: ["four.test"] }),
  lease6: {
    nic: "eth0",
    addresses: [],
    prefixes: [],
    dns: ["2001:db8::6", "192.0.2.2"],
    ntp: ["2001:db8::4"],
    search: ["six.test", "four.test"],
    obtainedAt: 1,
  },
  ra: { managed: true, other: true, addresses: [], dns: ["fe80::1", "2001:db8::6"], search: ["ra.test"] },
};
const said = (part: Partial<NodeDocument> = {}): ReturnType<typeof settings> => settings(node(part), NO_FLAGS);

test("name servers of the settings come first, then those of DHCPv4, DHCPv6 and router advertisements, each once", (t) => {
  t.deepEqual(nameServers(said({ dns: ["198.51.100.1", "192.0.2.2"] }), heard, "zos"), [
    "198.51.100.1",
    "192.0.2.2",
    "192.0.2.1",
    "2001:db8::6",
    "fe80::1%zos",
  ]);
  t.deepEqual(searchList(said(), heard), ["four.test", "six.test", "ra.test"]);
  t.deepEqual(timeServers(said({ ntp: ["198.51.100.4"] }), heard), ["198.51.100.4", "192.0.2.4", "2001:db8::4"]);
});

test("rd.peerdns=0 leaves the servers and domains of leases out", (t) => {
  const own = { ...said({ dns: ["198.51.100.1"] }), leaseDns: { value: false, source: "flag rd.peerdns=0" } };
  t.deepEqual(nameServers(own, heard, "zos"), ["198.51.100.1"]);
  t.deepEqual(searchList(own, heard), []);
});

test("resolv.conf of the node and of a namespace", (t) => {
  const resolver = { dns: ["192.0.2.1", "2001:db8::6"], search: ["four.test", "six.test"] };
  const content = "search four.test six.test\nnameserver 192.0.2.1\nnameserver 2001:db8::6\n";
  t.deepEqual(compileResolver(HOST, resolver), { kind: "file", path: "/etc/resolv.conf", content, adopt: true });
  t.deepEqual(compileResolver("public", resolver), { kind: "file", path: "/etc/netns/public/resolv.conf", content });
});

test("host name and resolv.conf come from the lease on a machine of ours only; a document names any machine", (t) => {
  const nics = { nics: [nic("eth0")], leases: [lease("eth0", { dns: ["192.0.2.1"], hostname: "leased" })] };
  const made = (appliance: boolean, hostname?: string): readonly string[] =>
    compile([node(hostname === undefined ? {} : { hostname })], facts({ ...nics, appliance })).target.flatMap(told);
  t.deepEqual(made(true), ["leased", "/etc/resolv.conf"]);
  t.deepEqual(made(true, "said"), ["said", "/etc/resolv.conf"]);
  t.deepEqual(made(false), []);
  t.deepEqual(made(false, "said"), ["said"]);
});

function told(object: KernelObject): readonly string[] {
  if (object.kind === "file") return [object.path];
  return object.kind === "sysctl" && object.key === "kernel.hostname" ? [object.value] : [];
}
