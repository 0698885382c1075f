/** The lease of an uplink over outages of the network and of programs, with dnsmasq at the other end of a cable. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { Status } from "../model/report.ts";
import { node as nodeDocument } from "../testing/builders.ts";
import { Provider, type ProviderOptions } from "../testing/provider.ts";
import { TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const config = { "node.yaml": yaml(nodeDocument({ uplink: { mode: "dhcp4", nics: ["up0"] } })) };
const isp = { nic: "up0", netns: "isp", network: "192.168.50" };

async function start(
  t: Parameters<typeof TestNode.start>[0],
  options: Partial<ProviderOptions> = {},
): Promise<{ readonly node: TestNode; readonly provider: Provider }> {
  let provider: Provider | undefined;
  const node = await TestNode.start(t, {
    config,
    prepare: async ({ sandbox }) => {
      provider = await Provider.start(sandbox, { ...isp, ...options });
    },
  });
  if (provider === undefined) throw new TypeError("nobody serves");
  return { node, provider };
}

function online(node: TestNode, network: string): Promise<Status> {
  return node.sandbox.until(`the node to be online in ${network}; the daemon said ${node.said()}`, async () => {
    const status = await node.client.status();
    return status.online && status.uplink?.address?.startsWith(network) === true ? status : undefined;
  });
}

const addresses = (node: TestNode): Promise<string> => node.sandbox.ip("-d -o -4 address show dev zos");

test("a cable that leads to another network: its lease takes the place of the one before", async (t) => {
  const { node, provider } = await start(t);
  const { uplink } = await online(node, "192.168.50.");
  provider.stop();
  await node.sandbox.ip("-n isp link set eth0 down");
  await node.sandbox.ip("-n isp address flush dev eth0");
  await node.sandbox.ip("-n isp address add 192.168.60.1/24 dev eth0");
  await node.sandbox.ip("-n isp link set eth0 up");
  provider.serve("192.168.60", 10);
  await online(node, "192.168.60.");
  const seen = await addresses(node);
  t.false(seen.includes(uplink?.address ?? "none"), seen);
  t.regex(await node.sandbox.ip("-4 route show default"), /^default via 192\.168\.60\.1 dev zos /u);
});

test("a client that is started again asks for the address that it had, also of a server that has forgotten it", async (t) => {
  const { node, provider } = await start(t);
  const { uplink } = await online(node, "192.168.50.");
  provider.stop();
  await rm(join(node.sandbox.dir, "provider-up0.leases"), { force: true });
  provider.serve("192.168.50", 10);
  const pid = (status: Status): number | undefined =>
    status.processes.find(({ name }) => name === "dhcp-zos")?.pid ?? undefined;
  const first = await node.sandbox.until("the client", async () => pid(await node.client.status()));
  process.kill(first, "SIGKILL");
  const given = await node.sandbox.until("the server to give an address", async () => {
    const text = await readFile(join(node.sandbox.dir, "provider-up0.leases"), "utf8").catch(() => "");
    return text.trim() === "" ? undefined : text;
  });
  t.true(given.includes(uplink?.address?.replace(/\/.*/u, "") ?? "none"), given);
  t.is(given.trim().split("\n").length, 1);
});

test("what a lease tells beside its address is used: classless routes, and a smaller MTU", async (t) => {
  const more = [
    "dhcp-option=option:classless-static-route,0.0.0.0/0,192.168.50.1,198.51.100.0/24,192.168.50.1",
    "dhcp-option=option:mtu,1400",
  ];
  const { node } = await start(t, { more });
  await online(node, "192.168.50.");
  t.regex(await node.sandbox.ip("-4 route show 198.51.100.0/24"), /via 192\.168\.50\.1 dev zos proto 78/u);
  t.regex(await node.sandbox.ip("-4 route show default"), /^default via 192\.168\.50\.1 dev zos /u);
  t.regex(await node.sandbox.ip("-o link show dev zos"), / mtu 1400 /u);
  t.regex(await addresses(node), / valid_lft [1-9]\d*sec /u);
});
