import test from "ava";
import { facts, keyFact, lease, nic, node, resource } from "../testing/builders.ts";
import type { Facts, Uplink } from "../model/facts.ts";
import type { NodeDocument } from "../model/document.ts";
import { NO_FLAGS } from "../model/boot-flags.ts";
import type { NodeSettings } from "../model/settings.ts";
import { clockGate, clockMemory, compileClock, type ClockGate, type ClockMemory } from "./clock.ts";
import { settings } from "./settings.ts";
import { compile, type Compiled } from "./compile.ts";

const said = (part: Partial<NodeDocument> = {}): NodeSettings => settings(node(part), NO_FLAGS);
const keeping = facts({ appliance: true });

test("a node that does not keep the clock, or knows no server and serves nobody, runs no chronyd", (t) => {
  t.deepEqual(compileClock(said({ ntp: ["192.0.2.1"] }), facts(), ["192.0.2.2"]), []);
  t.deepEqual(compileClock(said(), keeping, []), []);
});

test("chronyd asks the servers of the document and of the lease, each once, and takes the first answer", (t) => {
  const ntp = ["time.example.org", "192.0.2.2"];
  const { target } = compile(
    [node({ ntp })],
    facts({ ...keeping, nics: [nic("eth0")], leases: [lease("eth0", { ntp: ["192.0.2.2", "192.0.2.3"] })] }),
  );
  const spec = target.find((object) => object.kind === "process" && object.name === "chrony");
  if (spec?.kind !== "process") throw new TypeError("no chronyd");
  const first = spec.files.find(({ path }) => path === spec.env["NETLOOM_FIRST"])?.content ?? "";
  t.deepEqual(first.match(/^server .*$/gmu)?.length, 3);
  t.regex(first, /^server 192\.0\.2\.3 iburst maxsamples 1$/mu);
  const text = spec.files[0]?.content ?? "";
  t.deepEqual(text.match(/^server .*$/gmu), [
    "server time.example.org iburst",
    "server 192.0.2.2 iburst",
    "server 192.0.2.3 iburst",
  ]);
  // WireGuard is mute until the clock is right, and a running node must not see it jump.
  t.regex(text, /^makestep 1 3$/mu);
  t.notRegex(text, /^(?:allow|local)/mu);
});

test("a node that serves the time answers the networks named, even when it has no server itself", (t) => {
  const [spec] = compileClock(said({ ntpServe: ["192.168.50.0/24", "fd00::/64"] }), keeping, []);
  const text = spec?.files[0]?.content ?? "";
  t.deepEqual(text.match(/^(?:allow|local).*$/gmu), ["allow 192.168.50.0/24", "allow fd00::/64", "local stratum 10"]);
});

test("a lease that names a time server starts chronyd by itself", (t) => {
  const { target } = compile(
    [],
    facts({ appliance: true, nics: [nic("eth0")], leases: [lease("eth0", { ntp: ["192.168.50.1"] })] }),
  );
  t.true(target.some((object) => object.kind === "process" && object.name === "chrony"));
});

/** A node of ours with a mesh; its lease names a time server unless `ntp` says otherwise. */
function meshed(part: Partial<Facts>, ntp: readonly string[] = ["192.0.2.2"]): Compiled {
  const demo = resource("demo", { wireguard: { listenPort: 51820, peers: [] } });
  const wireguardKeys = { demo: keyFact("demo") };
  const nics = { nics: [nic("eth0")], leases: [lease("eth0", { ntp })] };
  return compile([demo], facts({ appliance: true, wireguardKeys, ...nics, ...part }));
}

/** The links of the resource, and whether WireGuard and what is on it is there. */
function links({ target }: Compiled): readonly string[] {
  return target.flatMap((object) => (object.kind === "link" && object.netns === "ndemo" ? [object.name] : []));
}

const WITHOUT = ["private", "mycelium"];
const ALL = [...WITHOUT, "w-demo"];

test("WireGuard waits for the time, everything else of a resource does not", (t) => {
  const waiting = meshed({ now: 10 });
  t.is(waiting.clock.waits, "the time from 192.0.2.2");
  t.deepEqual(links(waiting), WITHOUT);
  t.false(waiting.target.some((object) => "dev" in object && object.dev === "w-demo"));
  t.deepEqual(links(meshed({ now: 10, clock: { synchronised: true } })), ALL);
});

test("a time server that does not answer is waited for 30 s, counted over restarts of the daemon", (t) => {
  const first = meshed({ now: 10 });
  t.is(first.clock.until, 40);
  const known = clockMemory({}, first.clock, 10);
  const later = (now: number, clock: ClockMemory): Compiled =>
    meshed({ now, clock: { synchronised: false, ...clock } });
  t.deepEqual(links(later(39, known)), WITHOUT);
  const passed = later(40, known);
  t.deepEqual(links(passed), ALL);
  // What runs is not stopped by a clock that is lost again, nor by a server that a later lease names.
  const after = clockMemory(known, passed.clock, 40);
  t.deepEqual(links(later(41, after)), ALL);
});

test("nobody waits where no answer can come: no time server, no uplink wanted, somebody else's clock", (t) => {
  t.deepEqual(links(meshed({}, [])), ALL);
  t.deepEqual(links(meshed({ appliance: false })), ALL);
  const demo = resource("demo", { wireguard: { listenPort: 51820, peers: [] } });
  const alone = compile([node({ uplink: { mode: "none" } }), demo], facts({ appliance: true }));
  t.deepEqual(links(alone), ALL);
  const side = { nic: "eth1", addresses: ["198.51.100.5/24"], gateways: ["198.51.100.1"] };
  t.deepEqual(links(compile([node({ public: side }), demo], facts({ appliance: true }))), ALL);
  // A server may come with the lease of an uplink that is not there yet.
  t.deepEqual(links(compile([demo], facts({ appliance: true, nics: [nic("eth0")] }))), WITHOUT);
});

test("a router that is heard before the lease does not start WireGuard before the lease could name a time server", (t) => {
  const { uplink } = meshed({});
  if (uplink === null) throw new TypeError("no uplink");
  const early: Uplink = { ...uplink, ntp: [], nic: { ...uplink.nic, probe: { since: 3 } } };
  const gate = (now: number): ClockGate => clockGate(said(), facts({ appliance: true, now }), early, false);
  t.deepEqual([gate(4).waits, gate(4).until], ["a lease, which may name a time server", 8]);
  t.is(gate(8).waits, null);
});
