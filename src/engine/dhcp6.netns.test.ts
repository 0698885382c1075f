/** IPv6 by router advertisements and DHCPv6, with dnsmasq at the other end of a cable. */
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { uptime } from "../lib/uptime.ts";
import type { Status } from "../model/report.ts";
import { node as nodeDocument } from "../testing/builders.ts";
import type { Child } from "../testing/child.ts";
import { ownReport } from "../testing/own-report.ts";
import { Provider6 } from "../testing/provider6.ts";
import { TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const config = { "node.yaml": yaml(nodeDocument({ uplink: { nics: ["up0"] } })) };
const LEASED = /inet6 (2001:db8:[5-9]::1[0-9a-f]{2})\/128 [^\n]*proto 0x4e/u;

interface Network {
  readonly node: TestNode;
  readonly provider: Provider6;
}

async function start(t: Parameters<typeof TestNode.start>[0]): Promise<Network> {
  let provider: Provider6 | undefined;
  const node = await TestNode.start(t, {
    config,
    prepare: async ({ sandbox }) => {
      provider = await Provider6.start(sandbox, "up0", "isp", "2001:db8:5::");
    },
  });
  if (provider === undefined) throw new TypeError("nobody serves");
  return { node, provider };
}

const addresses = (node: TestNode): Promise<string> => node.sandbox.ip("-d -o -6 address show dev zos");

/** The address that was leased, once it is one of `network`. */
async function leased({ node, provider }: Network, network: string): Promise<string> {
  const what = `an address of ${network}; the daemon said ${node.said()}, and the server ${provider.said()}`;
  return await node.sandbox.until(what, async () => {
    const address = LEASED.exec(await addresses(node).catch(() => ""))?.[1];
    return address?.startsWith(network) === true ? address : undefined;
  });
}

function online(node: TestNode): Promise<Status> {
  return node.sandbox.until(`the node to be online; the daemon said ${node.said()}`, async () => {
    const status = await node.client.status();
    return status.online ? status : undefined;
  });
}

const clients = async (node: TestNode): Promise<readonly number[]> =>
  [...(await node.sandbox.processes())].filter(([, line]) => line.startsWith("dhcpcd: zos")).map(([pid]) => pid);

test("DHCPv6 gives an address with its time, the kernel keeps its own, and a client that is killed or restarted has one lease", async (t) => {
  const network = await start(t);
  const { node, provider } = network;
  const first = await leased(network, "2001:db8:5::");
  await online(node);
  // The address may be the probe's, and the client of the bridge about to start.
  await ownReport(node, "dhcp6-zos", "up0.6");
  const { uplink } = await node.sandbox.until("address and router of the bridge in the status", async () => {
    const status = await node.client.status();
    const { addresses: all = [], gateways = [] } = status.uplink ?? {};
    return all.includes(`${first}/128`) && gateways.length > 0 ? status : undefined;
  });
  t.regex(uplink?.gateways.join() ?? "", /^fe80::[^,]*$/u);
  t.regex(await node.sandbox.ip("-6 route show default"), /default via fe80::[^\n]* dev zos proto ra/u);
  // dhcpcd would have the kernel make none, were it not told otherwise.
  t.regex(await addresses(node), /inet6 fe80::[^\n]*scope link/u);
  t.is((await node.sandbox.output(["cat", "/proc/sys/net/ipv6/conf/zos/addr_gen_mode"])).trim(), "0");
  t.regex(await addresses(node), new RegExp(`${first}/128 [^\\n]*valid_lft 3[0-9]{3}sec`, "u"));

  for (const round of [1, 2]) {
    const running = await node.sandbox.until(`the client, round ${round}`, async () => {
      const pids = await clients(node);
      return pids.length > 0 ? pids : undefined;
    });
    // Its times are in seconds, and it may report twice within one: the file is a new one each time.
    const report = join(node.runtimeDir, "leases/up0.6");
    const writtenAt = async (): Promise<bigint> => (await stat(report, { bigint: true })).mtimeNs;
    const before = await writtenAt();
    for (const pid of running) process.kill(pid, "SIGKILL");
    await node.sandbox.until(`another report, round ${round}`, async () =>
      (await writtenAt()) === before ? undefined : true,
    );
  }
  await node.stopDaemon("SIGKILL");
  await node.startDaemon();
  t.is(await leased(network, "2001:db8:5::"), first);
  t.deepEqual(await provider.given(), [first]);
});

test("a cable that leads to another network: the address of before goes, another one comes, and the NIC's IPv6 works on", async (t) => {
  const network = await start(t);
  const { node, provider } = network;
  await online(node);
  const first = await leased(network, "2001:db8:5::");
  await provider.stop();
  await node.sandbox.ip("-n isp link set eth0 down");
  await node.sandbox.ip("-n isp link set eth0 up");
  await provider.serve("2001:db8:7::");
  const second = await leased(network, "2001:db8:7::");
  await node.sandbox.until("the old address to go", async () =>
    (await addresses(node)).includes(first) ? undefined : true,
  );
  const pinged = await node.sandbox.run(["ping", "-6", "-c", "1", "-W", "5", "-I", second, "2001:db8:7::1"]);
  t.is(pinged.code, 0, pinged.out);
  await node.sandbox.until("one client", async () => {
    const lines = [...(await node.sandbox.processes()).values()];
    return lines.filter((line) => line === "dhcpcd: zos [ip6]").length === 1 ? true : undefined;
  });
});

test("a prefix that a server delegates is a fact and a route of its own, renewed and gone with its time", async (t) => {
  // Long enough to be renewed once, before half of it is over, and short enough to be waited for.
  const conf = `default-lease-time 16;
preferred-lifetime 10;
subnet6 2001:db8:5::/64 {
  range6 2001:db8:5::100 2001:db8:5::1ff;
  prefix6 2001:db8:100:: 2001:db8:1ff:ff00:: /56;
}
`;
  let server: Child | undefined;
  const node = await TestNode.start(t, {
    config: { "node.yaml": yaml(nodeDocument({ uplink: { nics: ["up0"], mode: "dhcp6", prefix: true } })) },
    prepare: async ({ sandbox }) => {
      await sandbox.cable("up0", "isp");
      await sandbox.ip("-n isp address add 2001:db8:5::1/64 dev eth0 nodad");
      const [file, leases] = [join(sandbox.dir, "dhcpd.conf"), join(sandbox.dir, "dhcpd.leases")];
      await writeFile(file, conf);
      await writeFile(leases, "");
      const router = ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file", "--port=0", "--enable-ra"];
      sandbox.start([...router, "--interface=eth0", "--bind-dynamic", "--dhcp-range=2001:db8:5::,ra-only"], "isp");
      server = sandbox.start(["dhcpd", "-6", "-f", "--no-pid", "-cf", file, "-lf", leases, "eth0"], "isp");
    },
  });
  const route = await node.sandbox.until(`a prefix; the daemon said ${node.said()}`, async () => {
    const text = await node.sandbox.ip("-6 route show type unreachable proto 78");
    return text === "" ? undefined : text;
  });
  t.regex(route, /^unreachable 2001:db8:1[0-9a-f]{2}:[0-9a-f]{1,2}00::\/56 /u);
  t.regex(await addresses(node), LEASED);
  const end = async (): Promise<number> => {
    const report = await readFile(join(node.runtimeDir, "leases/up0.6"), "utf8");
    return Number(/^prefixes=2001:db8:1[^,]*\/56,\d+,(\d+) $/mu.exec(report)?.[1]);
  };
  const first = await end();
  t.true(first > uptime());
  const renewed = await node.sandbox.until("the prefix to be given for longer", async () => {
    const now = await end();
    return now > first ? now : undefined;
  });
  t.is(await node.sandbox.ip("-6 route show type unreachable proto 78"), route, "it is the same one all along");

  server?.process.kill("SIGKILL");
  await node.sandbox.until("the route to go", async () =>
    (await node.sandbox.ip("-6 route show type unreachable proto 78")) === "" ? true : undefined,
  );
  t.true(uptime() >= renewed, "not before its time");
  t.is((await node.client.status()).processes.filter(({ name }) => name === "dhcp6-zos").length, 1, "it is asked on");
});

test("a cable that leads nowhere: a lease that nobody gives again ends", async (t) => {
  const network = await start(t);
  const { node, provider } = network;
  await online(node);
  await leased(network, "2001:db8:5::");
  await provider.stop();
  await node.sandbox.ip("-n isp link set eth0 down");
  await node.sandbox.ip("-n isp link set eth0 up");
  await node.sandbox.until("the lease to end", async () =>
    LEASED.test(await addresses(node).catch(() => "")) ? undefined : true,
  );
  t.is((await node.client.status()).processes.filter(({ name }) => name === "dhcp6-zos").length, 1, "it is asked on");
});
