/** Two NICs on one LAN: while they are probed each has its leases, and the one that is not chosen gives them back. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { Status } from "../model/report.ts";
import { node as nodeDocument } from "../testing/builders.ts";
import { ownReport } from "../testing/own-report.ts";
import { Provider, type ProviderLease } from "../testing/provider.ts";
import { TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const ROUTER = "192.168.50.254";
const SERVES = [
  // Nobody has that address at first.
  `dhcp-option=3,${ROUTER}`,
  ...["enable-ra", "dhcp-range=2001:db8:50::100,2001:db8:50::1ff,64,1h"],
  // An advertisement of addresses by DHCPv6 and of no router.
  "ra-param=sw,10,0",
];

test("the leases of the NIC that is not chosen are given back, of both families, and those of the uplink are not", async (t) => {
  let started: Provider | undefined;
  const node = await TestNode.start(t, {
    config: { "node.yaml": yaml(nodeDocument({ uplink: { nics: ["up*"] } })) },
    prepare: async ({ sandbox }) => {
      started = await Provider.switched(sandbox, {
        ...{ nics: ["up0", "up1"], netns: "isp", network: "192.168.50", more: SERVES },
      });
      await sandbox.ip("-n isp address add 2001:db8:50::1/64 dev sw nodad");
    },
  });
  if (started === undefined) throw new TypeError("nobody serves");
  const provider = started;
  const { sandbox } = node;
  const until = <T>(what: string, attempt: (status: Status) => Promise<T | undefined> | T | undefined): Promise<T> =>
    sandbox.until(`${what}; the daemon said ${node.said()}`, async () => await attempt(await node.client.status()));
  const macs = new Map<string, string>();
  for (const nic of ["up0", "up1"])
    macs.set(nic, /link\/ether (\S+)/u.exec(await sandbox.ip(`-o link show ${nic}`))?.[1] ?? "none");
  const given = async (mac: string | undefined, count: number): Promise<readonly ProviderLease[] | undefined> => {
    const own = (await provider.leases()).filter((lease) => lease.mac === mac);
    return own.length === count ? own : undefined;
  };

  for (const mac of macs.values()) await sandbox.until("a lease of each family", () => given(mac, 2));
  await sandbox.ip(`-n isp address add ${ROUTER}/24 dev sw`);
  // That of DHCPv6 waits for a router's word where it has no lease to keep up.
  const uplink = await until("the end of the probes, and the clients of the bridge", async (status) => {
    const names = status.processes.map(({ name }) => name).toSorted();
    const isSettled = status.online && names.join() === "dhcp-zos,dhcp6-zos";
    return isSettled && !(await sandbox.ip("netns list")).includes("probe-") ? (status.uplink ?? undefined) : undefined;
  });
  const chosen = uplink.nic;
  const loser = chosen === "up0" ? "up1" : "up0";
  await sandbox.until("the leases of the other one to be given back", () => given(macs.get(loser), 0));
  // Those of the bridge have asked for theirs once more: from here on nobody writes.
  for (const [service, family] of [
    ["dhcp-zos", 4],
    ["dhcp6-zos", 6],
  ] as const)
    await ownReport(node, service, `${chosen}.${family}`);
  t.is((await given(macs.get(chosen), 2))?.length, 2, JSON.stringify(await provider.leases()));
  // Nothing offers them as if they held still.
  const files = async (): Promise<readonly string[]> => (await readdir(join(node.runtimeDir, "leases"))).toSorted();
  t.deepEqual(await files(), [`${chosen}.4`, `${chosen}.6`]);

  // No end of the daemon gives one back.
  const before = await provider.leases();
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await node.stopDaemon(signal);
    await node.startDaemon();
    t.deepEqual(await provider.leases(), before, signal);
  }

  // The other one is the uplink later: it asks anew, and is given what nobody has.
  const port = chosen === "up0" ? "eth0" : "eth1";
  await sandbox.ip(`-n isp link set ${port} down`);
  const after = await until(`${loser} to be the uplink`, (status) =>
    status.online && status.uplink?.nic === loser ? status.uplink : undefined,
  );
  const mine = (await provider.leases()).find(({ mac, address }) => mac === macs.get(loser) && !address.includes(":"));
  t.is(after.address, `${mine?.address}/24`);
});
