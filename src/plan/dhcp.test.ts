import test from "ava";
import type { Lease6Fact, NicFact, RouterFact } from "../model/facts.ts";
import type { ProcessSpec } from "../model/kernel.ts";
import type { Addressing } from "../model/settings.ts";
import { NO_FLAGS } from "../model/boot-flags.ts";
import { nic } from "../testing/builders.ts";
import { compileDhcpClients } from "./dhcp.ts";
import { LEVEL } from "./nic-network.ts";
import { settings } from "./settings.ts";

const AUTO: Addressing = { dhcp4: true, dhcp6: "auto", ra: true, addresses: [], gateways: [] };

function clients(fact: Partial<NicFact> = {}, addressing: Partial<Addressing> = {}): ReadonlyMap<string, ProcessSpec> {
  const network = {
    nic: nic("eth0", { carrierUps: 1, ...fact }),
    addressing: { ...AUTO, ...addressing },
    ...{ addresses: [], gateways: [], level: LEVEL.nothing },
  };
  const objects = compileDhcpClients({ netns: "", dev: "zos" }, network, settings(null, NO_FLAGS), "/run/netloom");
  return new Map(objects.flatMap((object) => (object.kind === "process" ? [[object.name, object]] : [])));
}

const advertised = (managed: boolean, other: boolean): Pick<NicFact, "probe"> => {
  const ra: RouterFact = { managed, other, addresses: [], dns: [], search: [] };
  return { probe: { since: 1, ra } };
};
const lease6: Lease6Fact = {
  ...{ nic: "eth0", prefixes: [], dns: [], ntp: [], search: [], obtainedAt: 5 },
  addresses: [{ address: "2001:db8::17/128", preferredUntil: 900, validUntil: 900 }],
};
const configuration = (client: ProcessSpec | undefined): readonly string[] =>
  client?.files.find(({ path }) => path.endsWith(".conf"))?.content.split("\n") ?? [];

test("DHCPv4 is asked for at once, DHCPv6 when a router says that there is something to ask for", (t) => {
  t.deepEqual([...clients().keys()], ["dhcp-zos"]);
  t.deepEqual([...clients(advertised(false, false)).keys()], ["dhcp-zos"]);
  const addresses = configuration(clients(advertised(true, true)).get("dhcp6-zos"));
  t.true(addresses.includes("ia_na") && !addresses.includes("inform6"));
  const settingsOnly = configuration(clients(advertised(false, true)).get("dhcp6-zos"));
  t.true(settingsOnly.includes("inform6") && !settingsOnly.includes("ia_na"));
  t.deepEqual([...clients({}, { dhcp4: false, dhcp6: true }).keys()], ["dhcp6-zos"]);
});

test("a prefix is asked for where a document says so, and by the uplink's bridge alone", (t) => {
  const asks = (dev: string): boolean => {
    const node = { apiVersion: "netloom/v1", kind: "Node", name: "node", uplink: { prefix: true } } as const;
    const network = { nic: nic("eth0"), addressing: AUTO, addresses: [], gateways: [], level: LEVEL.nothing };
    const objects = compileDhcpClients({ netns: "", dev }, network, settings(node, NO_FLAGS), "/run/netloom");
    const client = objects.find((object) => object.kind === "process" && object.name.startsWith("dhcp6-"));
    return configuration(client?.kind === "process" ? client : undefined).includes("ia_pd 1 -");
  };
  t.true(asks("zos"));
  t.false(asks("eth0"));
});

test("a client whose lease holds goes on as it is on a bridge that no router has reached yet", (t) => {
  const before = clients({ probe: { ...advertised(true, true).probe, since: 1, lease6 } }).get("dhcp6-zos");
  t.truthy(before);
  t.deepEqual(clients({ probe: { since: 1, lease6 } }).get("dhcp6-zos"), before);
});

test("the identity is made from the MAC: the same at each start, another one on a clone", (t) => {
  const [one, other] = ["52:54:00:00:00:01", "52:54:00:00:00:02"].map((mac) =>
    configuration(clients({ mac, ...advertised(true, true) }).get("dhcp6-zos")),
  );
  t.true(one?.includes("duid 00:03:00:01:52:54:00:00:00:01"));
  t.true(other?.includes("duid 00:03:00:01:52:54:00:00:00:02"));
  const given = clients({}, { clientId: "01:52:54:00:00:00:09" }).get("dhcp-zos")?.argv ?? [];
  t.deepEqual(given.slice(-2), ["-x", "0x3d:01525400000009"]);
});

test("another cable makes other clients, and their reports are the NIC's", (t) => {
  const heard = advertised(true, true);
  const [before, after] = [1, 2].map((carrierUps) => clients({ carrierUps, ...heard }));
  for (const name of ["dhcp-zos", "dhcp6-zos"]) t.notDeepEqual(before?.get(name), after?.get(name));
  t.is(before?.get("dhcp-zos")?.env["NETLOOM_LEASE"], "/run/netloom/leases/eth0.4");
  t.true(configuration(before?.get("dhcp6-zos")).includes("env NETLOOM_LEASE=/run/netloom/leases/eth0.6"));
});
