/** A lease without its server: it holds for its time, ages, and ends; and a lease that asks for what cannot be. */
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { uptime } from "../lib/uptime.ts";
import type { Status } from "../model/report.ts";
import { lan, node as nodeDocument } from "../testing/builders.ts";
import { Provider } from "../testing/provider.ts";
import { Provider6 } from "../testing/provider6.ts";
import { TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const four = { "node.yaml": yaml(nodeDocument({ uplink: { mode: "dhcp4", nics: ["up0"] } })) };
const six = { "node.yaml": yaml(nodeDocument({ uplink: { nics: ["up0"] } })) };

function status(node: TestNode, what: string, wanted: (status: Status) => boolean): Promise<Status> {
  return node.sandbox.until(`${what}; the daemon said ${node.said()}`, async () => {
    const now = await node.client.status();
    return wanted(now) ? now : undefined;
  });
}

/**
 * Changes what a client reported, as time or its server would, until the kernel shows it. The uplink's client goes on with the lease
 * of the probe and reports once more what it had asked for before its server died: then it is changed again.
 */
async function rewritten(
  node: TestNode,
  file: string,
  change: (text: string) => string,
  { seen, shows }: { readonly seen: string; readonly shows: RegExp },
): Promise<void> {
  const path = join(node.runtimeDir, "leases", file);
  await node.sandbox.until(`the kernel to show ${seen}; the daemon said ${node.said()}`, async () => {
    const text = await readFile(path, "utf8");
    if (change(text) !== text) {
      await writeFile(`${path}.changed`, change(text));
      await rename(`${path}.changed`, path);
    }
    return shows.test(await node.sandbox.ip("-o address show dev zos scope global")) ? true : undefined;
  });
}

test("a DHCP server dies: address and route hold until the lease ends, and go with it", async (t) => {
  let provider: Provider | undefined;
  const node = await TestNode.start(t, {
    config: four,
    prepare: async ({ sandbox }) => {
      provider = await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" });
    },
  });
  const { uplink } = await status(node, "the node to be online", ({ online }) => online);
  provider?.stop();
  const end = uptime() + 12;
  const ends = (text: string): string => text.replace(/^expires=.*$/mu, `expires=${Math.round(end)}`);
  await rewritten(node, "up0.4", ends, { seen: "the new end", shows: / valid_lft \d{1,2}sec /u });
  t.like(await node.client.status(), { online: true, uplink: { addresses: uplink?.addresses ?? [] } });
  t.regex(await node.sandbox.ip("-4 route show default"), /^default via 192\.168\.50\.1 dev zos /u);
  const later = await status(node, "the node to be offline", ({ online }) => !online);
  t.true(uptime() >= end - 1, "it was given up before its time");
  t.is(await node.sandbox.ip("-o -4 address show dev zos"), "");
  t.is(await node.sandbox.ip("-4 route show default"), "");
  t.is(later.processes.filter(({ name, up }) => name === "dhcp-zos" && up).length, 1, "it is asked on");
});

test("an IPv6 address that is no longer preferred stays so, and nothing is left to do", async (t) => {
  let provider: Provider6 | undefined;
  const node = await TestNode.start(t, {
    config: six,
    prepare: async ({ sandbox }) => {
      provider = await Provider6.start(sandbox, "up0", "isp", "2001:db8:5::");
    },
  });
  await status(node, "a lease", ({ uplink }) => uplink?.addresses.some((one) => one.endsWith("/128")) === true);
  await provider?.stop();
  const now = Math.round(uptime());
  const aged = (text: string): string =>
    text.replace(/^addresses=([^,]*),.*$/mu, `addresses=$1,${now - 100},${now + 900} `);
  await rewritten(node, "up0.6", aged, { seen: "a deprecated address", shows: /\/128 [^\n]* deprecated /u });
  const lab = yaml(lan("lab", { cidr: "10.5.0.0/24" }));
  t.like(await node.apply(lab), { code: 0, err: "" });
  t.deepEqual(await node.apply(lab), { code: 0, out: "no changes\n", err: "" });
});

test("a route of a lease that the kernel refuses is named, and the node is online by the rest of it", async (t) => {
  const node = await TestNode.start(t, {
    config: four,
    prepare: async ({ sandbox }) => {
      // By the broadcast address: no router.
      const routes = "0.0.0.0/0,192.168.50.1,198.51.100.0/24,192.168.50.255";
      const more = [`dhcp-option=option:classless-static-route,${routes}`];
      await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50", more });
    },
  });
  const { onlineChecks, lastReconcile } = await status(node, "the node to be online", ({ online }) => online);
  t.like(onlineChecks, { address: { ok: true }, route: { ok: true, why: "via 192.168.50.1 on zos" } });
  t.regex(
    JSON.stringify(lastReconcile?.failures),
    /ip route replace 198\.51\.100\.0\/24 via 192\.168\.50\.255 dev zos[^}]*invalid gateway/u,
  );
});
