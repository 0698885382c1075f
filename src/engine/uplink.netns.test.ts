/** The uplink, with a real DHCP server at the other end of a cable. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { Status } from "../model/report.ts";
import { node as nodeDocument } from "../testing/builders.ts";
import { ownReport } from "../testing/own-report.ts";
import { Provider } from "../testing/provider.ts";
import { BINARY, SOURCE, TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const uplink = (...nics: string[]): string => yaml(nodeDocument({ uplink: { mode: "dhcp4", nics, ignore: [] } }));
const none = yaml(nodeDocument({ uplink: { mode: "none", ignore: [] } }));

function online(node: TestNode): Promise<Status> {
  return node.sandbox.until(`the node to be online; the daemon said ${node.said()}`, async () => {
    const status = await node.client.status();
    return status.online && status.uplink !== null ? status : undefined;
  });
}

/** Without the seconds that they last. */
const addresses = async (node: TestNode, nic: string): Promise<string> =>
  (await node.sandbox.ip(`-d -o -4 address show dev ${nic}`)).replaceAll(/ \d+sec/gu, " some seconds");
const defaultRoute = (node: TestNode): Promise<string> => node.sandbox.ip("-d -4 route show default");

for (const runtime of [SOURCE, BINARY]) {
  test(`${runtime.title}: a lease becomes address and default route, is told with its reasons, and goes with the document`, async (t) => {
    let provider: Provider | undefined;
    const node = await TestNode.start(t, {
      runtime,
      config: { "node.yaml": uplink("up0") },
      prepare: async ({ sandbox }) => {
        provider = await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" });
        await sandbox.ip("link add other0 type veth peer name other1");
      },
    });
    const status = await online(node);
    t.regex(status.uplink?.address ?? "", /^192\.168\.50\.\d+\/24$/u);
    t.like(status.uplink, { nic: "up0", router: "192.168.50.1", server: "192.168.50.1" });
    const decision = new Map(
      status.decision.map(({ nic, chosen, reasons }) => [nic, { chosen, why: reasons.join(", ") }]),
    );
    t.like(decision.get("up0"), { chosen: true });
    t.regex(
      decision.get("up0")?.why ?? "",
      /^has carrier, DHCPv4 lease 192\.168\.50\.\d+\/24 from 192\.168\.50\.1, gateway 192\.168\.50\.1 by up0 answers, first NIC with all that is asked for$/u,
    );
    t.deepEqual(decision.get("other0"), { chosen: false, why: "it is not named by up0 (Node node)" });

    t.regex(await addresses(node, "zos"), /inet 192\.168\.50\.\d+\/24 [^\n]*proto 0x4e/u);
    t.regex(await defaultRoute(node), /default via 192\.168\.50\.1 dev zos proto 78 [^\n]*metric 1024/u);
    await node.sandbox.output(["ping", "-c", "1", "-W", "5", "192.168.50.1"]);
    t.regex(
      node.said(),
      /^netloom: nic up0 chosen: [^\n]*\n(?:netloom: nic other\d not chosen: [^\n]*\n){2}netloom: online up0 192\.168\.50\.\d+\/24 at \d+\.\d+ s$/mu,
    );
    const record = JSON.parse(await readFile(join(node.root, "node.json"), "utf8")) as Record<string, unknown>;
    t.like(record, { uplink: "up0", decision: status.decision });

    t.like(await node.applyConfirmed(none), { code: 0, err: "" });
    t.is(await node.sandbox.ip("-o link show type bridge"), "");
    t.is(await defaultRoute(node), "");
    t.deepEqual((await node.client.status()).processes, []);
    t.truthy(provider);
  });
}

test("the DHCP client is killed: the address stays, and there is one client again", async (t) => {
  const node = await TestNode.start(t, {
    config: { "node.yaml": uplink("up0") },
    prepare: async ({ sandbox }) =>
      void (await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" })),
  });
  await online(node);
  const before = await addresses(node, "zos");
  const client = async (): Promise<number | undefined> =>
    (await node.client.status()).processes.find(({ name }) => name === "dhcp-zos")?.pid ?? undefined;
  const first = await node.sandbox.until("the client's pid", client);
  process.kill(first, "SIGKILL");
  await node.sandbox.until("another client", async () => {
    const pid = await client();
    return pid === undefined || pid === first ? undefined : pid;
  });
  t.is(await addresses(node, "zos"), before);
  t.is((await online(node)).online, true);
  await node.sandbox.until("one client", async () => {
    const clients = [...(await node.sandbox.processes()).values()].filter((line) => line.startsWith("udhcpc "));
    return clients.length === 1 ? true : undefined;
  });
});

test("a restarted daemon keeps address, route, client and choice, and takes no step", async (t) => {
  const node = await TestNode.start(t, {
    config: { "node.yaml": uplink("up*") },
    prepare: async ({ sandbox }) => {
      await Provider.start(sandbox, { nic: "up0", netns: "isp0", network: "192.168.50" });
      await Provider.start(sandbox, { nic: "up1", netns: "isp1", network: "192.168.51" });
    },
  });
  const { uplink: chosen } = await online(node);
  // A pass has taken over the times of what the bridge's client was given, and the other NIC is probed no longer.
  const own = await ownReport(node, "dhcp-zos", `${chosen?.nic}.4`);
  const expiresAt = Number(/^expires=(\d+)$/mu.exec(own)?.[1]);
  const settled = await node.sandbox.until("one client and no probe", async () => {
    const { processes, uplink: now } = await node.client.status();
    const probes = (await node.sandbox.ip("netns list")).includes("probe-");
    const isQuiet = processes.length === 1 && processes[0]?.pid !== null && !probes;
    return isQuiet && now?.expiresAt === expiresAt ? processes : undefined;
  });
  const before = [await addresses(node, "zos"), await defaultRoute(node)];
  await node.stopDaemon("SIGKILL");
  const status = await node.startDaemon();
  t.is(status.reconciles.changed, 0);
  t.deepEqual(status.processes, settled);
  const { expiresAt: _renewed, ...same } = chosen ?? { expiresAt: null };
  t.like(status, { online: true, uplink: same });
  t.deepEqual([await addresses(node, "zos"), await defaultRoute(node)], before);
});

test("a lease with another address replaces the first one, and the default route holds", async (t) => {
  let provider: Provider | undefined;
  const node = await TestNode.start(t, {
    config: { "node.yaml": uplink("up0") },
    prepare: async ({ sandbox }) => {
      provider = await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" });
    },
  });
  const { uplink: first } = await online(node);
  // The one of the bridge; a number that is none would be everybody's (kill(2), -1).
  const client = await node.sandbox.until("the client of the bridge", async () =>
    [...(await node.sandbox.processes())].find(([, line]) => /^udhcpc .* -i zos /u.test(line)),
  );
  // Another range on the same wire, and a client that asks at once: what a provider does when it renumbers.
  await node.sandbox.output(["rm", "-f", join(node.sandbox.dir, "provider-up0.leases")]);
  provider?.serve("192.168.50", 100);
  process.kill(client[0], "SIGUSR2");
  process.kill(client[0], "SIGUSR1");
  const second = await node.sandbox.until("another address", async () => {
    const status = await node.client.status();
    return status.online && status.uplink?.address !== first?.address ? status.uplink : undefined;
  });
  t.regex(second?.address ?? "", /^192\.168\.50\.1[0-2]\d\/24$/u);
  const seen = await addresses(node, "zos");
  t.true(seen.includes(second?.address ?? "none"), seen);
  t.false(seen.includes(first?.address ?? "none"), seen);
  t.regex(await defaultRoute(node), /default via 192\.168\.50\.1 dev zos/u);
  t.like((await node.client.status()).lastReconcile, { failures: [], unverified: [] });
});

test("a resource that fails does not make the node offline", async (t) => {
  const node = await TestNode.start(t, {
    config: { "node.yaml": uplink("up0") },
    prepare: async ({ sandbox }) => {
      await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" });
      await sandbox.ip("link add l-lab type bridge");
    },
  });
  await online(node);
  const { code } = await node.apply("apiVersion: netloom/v1\nkind: Lan\nname: lab\ncidr: 10.5.0.0/24\n");
  t.is(code, 1);
  t.like(await node.client.status(), { online: true, lastReconcile: { outcome: "failed" } });
  t.notRegex(node.said(), /netloom: offline/u);
});

test("a cable that is moved to another NIC takes the uplink along", async (t) => {
  const node = await TestNode.start(t, {
    config: { "node.yaml": uplink("up*") },
    prepare: async ({ sandbox }) => {
      await Provider.start(sandbox, { nic: "up0", netns: "isp0", network: "192.168.50" });
      await Provider.start(sandbox, { nic: "up1", netns: "isp1", network: "192.168.51" });
      await sandbox.ip("-n isp1 link set eth0 down");
    },
  });
  t.is((await online(node)).uplink?.nic, "up0");
  await node.sandbox.ip("-n isp0 link set eth0 down");
  await node.sandbox.ip("-n isp1 link set eth0 up");
  await node.sandbox.until("up1 to be the uplink", async () => {
    const status = await node.client.status();
    return status.online && status.uplink?.nic === "up1" ? true : undefined;
  });
  t.regex(await defaultRoute(node), /default via 192\.168\.51\.1 dev zos /u);
  t.regex(await node.sandbox.ip("-o link show up1"), /master zos/u);
  t.notRegex(await node.sandbox.ip("-o link show up0"), /master/u);
  const mac = async (link: string): Promise<string | undefined> =>
    /link\/ether (\S+)/u.exec(await node.sandbox.ip(`-o link show ${link}`))?.[1];
  t.is(await mac("zos"), await mac("up1"));
});

test("a single address whose router lies outside of it, as hosters give them: the node is online by it", async (t) => {
  const policy = { mode: "static", nics: ["up0"], addresses: ["192.0.2.7/32"], gateways: ["172.31.1.1"] } as const;
  const node = await TestNode.start(t, {
    config: { "node.yaml": yaml(nodeDocument({ uplink: policy })) },
    prepare: async ({ sandbox }) => {
      await sandbox.cable("up0", "isp");
      await sandbox.ip("-n isp address add 172.31.1.1/32 dev eth0");
      await sandbox.ip("-n isp route add 192.0.2.7/32 dev eth0");
    },
  });
  const { onlineChecks } = await online(node);
  t.deepEqual(onlineChecks?.route, { ok: true, why: "via 172.31.1.1 on zos" });
  t.regex(await defaultRoute(node), /default via 172\.31\.1\.1 dev zos [^\n]*onlink/u);
  await node.sandbox.output(["ping", "-c", "1", "-W", "5", "172.31.1.1"]);
});
