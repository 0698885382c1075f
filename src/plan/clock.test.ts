import test from "ava";
import { facts, lease, nic, node } from "../testing/builders.ts";
import type { NodeDocument } from "../model/document.ts";
import { NO_FLAGS } from "../model/boot-flags.ts";
import type { NodeSettings } from "../model/settings.ts";
import { compileClock } from "./clock.ts";
import { settings } from "./settings.ts";
import { compile } from "./compile.ts";

const said = (part: Partial<NodeDocument> = {}): NodeSettings => settings(node(part), NO_FLAGS);
const keeping = facts({ appliance: true });

test("a node that does not keep the clock, or knows no server and serves nobody, runs no chronyd", (t) => {
  t.deepEqual(compileClock(said({ ntp: ["192.0.2.1"] }), facts(), ["192.0.2.2"]), []);
  t.deepEqual(compileClock(said(), keeping, []), []);
});

test("chronyd asks the servers of the lease and of the document, each once", (t) => {
  const [spec] = compileClock(said({ ntp: ["time.example.org", "192.0.2.2"] }), keeping, ["192.0.2.2"]);
  const text = spec?.files[0]?.content ?? "";
  t.deepEqual(text.match(/^server .*$/gmu), ["server 192.0.2.2 iburst", "server time.example.org iburst"]);
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
