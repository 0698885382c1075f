import test from "ava";
import { checkTopology, linksOf, macOf } from "./topology.ts";

const topology = { networks: ["wan", "lan"], nodes: { gw: { nics: ["wan", "lan"] }, n1: { nics: ["lan"] } } };

test("names every end of every cable", (t) => {
  t.deepEqual(
    linksOf(topology, 1).map(({ name, network }) => [name, network]),
    [
      ["gw.eth0", "wan"],
      ["gw.eth1", "lan"],
      ["n1.eth0", "lan"],
    ],
  );
});

test("gives each NIC an address of its own that only the seed changes", (t) => {
  const macs = Array.from({ length: 64 }, (_, index) => macOf(1, `n${index}`, "eth0"));
  t.is(new Set(macs).size, 64);
  t.true(macs.every((mac) => /^52:54:00(:[0-9a-f]{2}){3}$/.test(mac)));
  t.is(macOf(1, "n1", "eth0"), macOf(1, "n1", "eth0"));
  t.not(macOf(1, "n1", "eth0"), macOf(2, "n1", "eth0"));
});

test("says everything that is wrong at once", (t) => {
  t.deepEqual(checkTopology(topology), []);
  const issues = checkTopology({
    networks: ["lan"],
    nodes: { "Bad/Name": { nics: ["wan"] }, n1: { nics: [], fwCfg: { config: "" } } },
  });
  t.is(issues.length, 3);
  t.regex(
    issues.join("\n"),
    /Bad\/Name[\s\S]*plugged into "wan", did you mean lan\? \(the networks are lan\)[\s\S]*"opt\/"/,
  );
  t.is(checkTopology({ networks: [], nodes: {} }).length, 1);
  const mac = "02:00:00:00:00:01";
  const twins = {
    networks: ["lan"],
    nodes: { n1: { nics: [{ network: "lan", mac }] }, n2: { nics: [{ network: "lan", mac }] } },
  };
  t.regex(checkTopology(twins).join("\n"), /^n2\.eth0 has the MAC address of n1\.eth0, 02:00:00:00:00:01$/);
});
