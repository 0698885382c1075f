/** The choice of the uplink where there is IPv6, alone or beside IPv4, with real router advertisements. */
import { join } from "node:path";
import test from "ava";
import type { Status } from "../model/report.ts";
import { node as nodeDocument } from "../testing/builders.ts";
import type { Sandbox } from "../testing/sandbox.ts";
import { BINARY, TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const config = { "node.yaml": yaml(nodeDocument({ uplink: { nics: ["up*"] } })) };

/** A network whose router is the first address of a /64, advertises that, and gives addresses as the ranges say. */
async function provider(sandbox: Sandbox, nic: string, prefix: string, ...ranges: readonly string[]): Promise<void> {
  const netns = `isp-${nic}`;
  await sandbox.cable(nic, netns);
  await sandbox.ip(`-n ${netns} address add ${prefix}1/64 dev eth0 nodad`);
  await sandbox.ip(`-n ${netns} address add 192.168.50.1/24 dev eth0`);
  // The first unsolicited advertisement may be seconds away; whoever asks is answered at once.
  const words = ["port=0", "interface=eth0", "bind-dynamic", "no-ping", "enable-ra", "dhcp-authoritative"];
  const leases = `dhcp-leasefile=${join(sandbox.dir, `${nic}.leases`)}`;
  const argv = [...words, leases, ...ranges.map((range) => `dhcp-range=${range}`)].map((word) => `--${word}`);
  sandbox.start(["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file", ...argv], netns);
}

function online(node: TestNode): Promise<Status> {
  return node.sandbox.until(`the node to be online; the daemon said ${node.said()}`, async () => {
    const status = await node.client.status();
    return status.online && status.uplink !== null ? status : undefined;
  });
}

const PREFIX = "2001:db8:50::";
const STATEFUL = "2001:db8:50::100,2001:db8:50::1ff,64,1h";
const IPV4 = "192.168.50.10,192.168.50.30,255.255.255.0,1h";

test("a network with router advertisements alone is enough, and the silent one beside it delays nobody", async (t) => {
  const node = await TestNode.start(t, {
    runtime: BINARY,
    config,
    prepare: async ({ sandbox }) => {
      await sandbox.cable("up0", "silent");
      await provider(sandbox, "up1", PREFIX, `${PREFIX},ra-only`);
    },
  });
  const status = await online(node);
  t.is(status.uplink?.nic, "up1");
  t.regex(status.uplink?.addresses.join() ?? "", /^2001:db8:50:[0-9a-f:]+\/64$/u);
  t.regex(status.uplink?.gateways.join() ?? "", /^fe80::/u);
  t.like(status.onlineChecks, { address: { ok: true }, route: { ok: true }, check: null });
  const { had, reasons } = status.decision.find(({ nic }) => nic === "up1") ?? {};
  t.regex(had?.ra ?? "", /^fe80::\S+ 2001:db8:50:/u);
  t.regex(
    reasons?.join(", ") ?? "",
    /router advertisement of fe80::\S+, address 2001:db8:50:\S+\/64, gateway fe80::\S+ by up1 answers, first NIC/u,
  );
  // The bridge has it from the same router, by the same MAC: what the probe found holds there.
  t.regex(await node.sandbox.ip("-6 -o address show dev zos"), /inet6 2001:db8:50:\S+\/64 scope global/u);
  t.regex(await node.sandbox.ip("-6 route show default"), /default via fe80::\S+ dev zos proto ra/u);
  await node.sandbox.output(["ping", "-6", "-c", "1", "-W", "5", "2001:db8:50::1"]);
  t.is(await node.sandbox.ip("-6 -o address show dev up1"), "", "the NIC takes no part itself");
});

test("both families, and addresses by DHCPv6: the first that works makes the node online, the other joins it", async (t) => {
  const node = await TestNode.start(t, {
    config,
    prepare: async ({ sandbox }) => await provider(sandbox, "up0", PREFIX, IPV4, STATEFUL),
  });
  await online(node);
  // A lease is the NIC's, and known before its router was heard above the NIC.
  const both = await node.sandbox.until("addresses and routers of both families", async () => {
    const { uplink, online: still } = await node.client.status();
    const has = (texts: readonly string[] = [], begin: string): boolean => texts.some((text) => text.startsWith(begin));
    const v4 = has(uplink?.addresses, "192.168.50.") && has(uplink?.gateways, "192.168.50.1");
    const v6 = has(uplink?.addresses, "2001:db8:50::1") && has(uplink?.gateways, "fe80::");
    return still && v4 && v6 ? uplink : undefined;
  });
  t.is(both?.nic, "up0");
  t.is(both?.gateways.length, 2);
  const seen = await node.sandbox.ip("-o address show dev zos");
  for (const address of both?.addresses ?? []) t.true(seen.includes(address), `${address} in ${seen}`);
});

test("a cable that is moved to a NIC on another network takes nothing of the old one along", async (t) => {
  const other = "2001:db8:51::";
  const node = await TestNode.start(t, {
    config,
    prepare: async ({ sandbox }) => {
      await provider(sandbox, "up0", PREFIX, `${PREFIX},ra-only`);
      await provider(sandbox, "up1", other, `${other},ra-only`);
      await sandbox.ip("-n isp-up1 link set eth0 down");
    },
  });
  t.is((await online(node)).uplink?.nic, "up0");
  await node.sandbox.ip("-n isp-up0 link set eth0 down");
  await node.sandbox.ip("-n isp-up1 link set eth0 up");
  // A link that goes down loses its IPv6 addresses.
  await node.sandbox.ip(`-n isp-up1 address add ${other}1/64 dev eth0 nodad`);
  await node.sandbox.until("the node to be online by up1", async () => {
    const { online: now, uplink } = await node.client.status();
    return now && uplink?.nic === "up1" ? true : undefined;
  });
  const seen = await node.sandbox.ip("-6 -o address show dev zos");
  t.regex(seen, /inet6 2001:db8:51:/u);
  t.notRegex(seen, /2001:db8:50:/u);
  t.is((await node.sandbox.ip("-6 route show default")).match(/\bvia\b/gu)?.length, 1);
  await node.sandbox.output(["ping", "-6", "-c", "1", "-W", "5", `${other}1`]);
});
