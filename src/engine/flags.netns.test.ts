/** What the kernel command line says, done on the real kernel. */
import test from "ava";
import type { Status } from "../model/report.ts";
import { Provider } from "../testing/provider.ts";
import { Provider6 } from "../testing/provider6.ts";
import { TestNode } from "../testing/test-node.ts";

function online(node: TestNode): Promise<Status> {
  return node.sandbox.until(`the node to be online; the daemon said ${node.said()}`, async () => {
    const status = await node.client.status();
    return status.online && status.uplink !== null ? status : undefined;
  });
}

const MAC = "52:54:00:12:34:56";

test("a static address is the uplink's, a mistyped word is named beside it, and each setting says its word", async (t) => {
  const node = await TestNode.start(t, {
    cmdline:
      "quiet ip=192.168.50.9::192.168.50.1:24::up0:none:1400 netlom.hostname=n1 vlan:priv=4095 netloom.ignore=eth9",
    prepare: async ({ sandbox }) => {
      await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" });
    },
  });
  const status = await online(node);
  t.like(status.uplink, { nic: "up0", address: "192.168.50.9/24" });
  await node.sandbox.output(["ping", "-c", "1", "-W", "5", "192.168.50.1"]);
  t.regex(await node.sandbox.ip("-o link show up0"), /mtu 1400 [^\n]* master zos/u);
  t.regex(await node.sandbox.ip("-o link show zos"), /mtu 1400 /u);
  t.deepEqual(
    status.problems.filter((line) => line.startsWith("kernel command line")),
    [
      "kernel command line: netlom.hostname=n1 rejected: is no word of Netloom; did you mean netloom.hostname=n1?",
      "kernel command line: vlan:priv=4095 rejected: VLAN 4095 is not from 1 to 4094; did you mean vlan:priv=4094?",
    ],
  );
  const unmatched = "no NIC matches eth9 (flag netloom.ignore=eth9): there is up0";
  t.true(status.problems.includes(unmatched), status.problems.join("\n"));
  t.true(node.said().includes(`netloom: ${unmatched}\n`), node.said());
  t.like(status.settings?.nics, { value: ["up0"], source: "flag ip=192.168.50.9::192.168.50.1:24::up0:none:1400" });
  t.like(status.settings?.vlan, { value: null, source: "default" });
  const { out } = await node.netloom(["status"]);
  t.regex(out, /^problem {3}kernel command line: netlom\.hostname=n1 rejected/mu);
});

test("a NIC has its new name before anything is done to it, and is the uplink by that name", async (t) => {
  const node = await TestNode.start(t, {
    cmdline: `ifname=lan0:${MAC} ip=lan0:dhcp`,
    prepare: async ({ sandbox }) => {
      await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" });
      await sandbox.ip(`link set up0 address ${MAC}`);
    },
  });
  const status = await online(node);
  t.like(status.uplink, { nic: "lan0" });
  t.false(await node.sandbox.ip("-o link").then((links) => /\bup0[@:]/u.test(links)));
  t.regex(await node.sandbox.ip("-o link show lan0"), new RegExp(`master zos .*link/ether ${MAC}`, "u"));
});

test("a bridge of the command line is the uplink's, with all its NICs", async (t) => {
  const node = await TestNode.start(t, {
    cmdline: "bridge=br0:up0,up1 ip=br0:dhcp",
    prepare: async ({ sandbox }) => {
      await sandbox.ip("link add up1 type veth peer name far1");
      await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" });
    },
  });
  const status = await online(node);
  t.like(status.uplink, { nic: "br0" });
  t.regex(await node.sandbox.ip("-o -4 address show br0"), /inet 192\.168\.50\.\d+\/24/u);
  for (const nic of ["up0", "up1"]) t.regex(await node.sandbox.ip(`-o link show ${nic}`), / master br0 /u);
  t.is(await node.sandbox.ip("-o link show type bridge").then((links) => links.trim().split("\n").length), 1);
});

test("an interface with an address of its own has it beside the uplink", async (t) => {
  const node = await TestNode.start(t, {
    cmdline: "ip=up0:dhcp ip=10.9.0.5:::24::up1:none rd.route=10.8.0.0/16:10.9.0.1:up1",
    prepare: async ({ sandbox }) => {
      await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" });
      await Provider.start(sandbox, { nic: "up1", netns: "store", network: "10.9.0" });
    },
  });
  const status = await online(node);
  t.like(status.uplink, { nic: "up0" });
  await node.sandbox.until("the address beside the uplink, and the route that comes after it", async () => {
    const address = await node.sandbox.ip("-o -4 address show up1");
    const route = await node.sandbox.ip("-4 route show 10.8.0.0/16");
    return address.includes("10.9.0.5/24") && route.includes("via 10.9.0.1 dev up1") ? true : undefined;
  });
  await node.sandbox.output(["ping", "-c", "1", "-W", "5", "10.9.0.1"]);
  t.notRegex(await node.sandbox.ip("-4 route show default"), /up1/u);
});

test("one whose router says that addresses are given by DHCPv6 asks for one beside the uplink", async (t) => {
  let provider: Provider6 | undefined;
  const node = await TestNode.start(t, {
    cmdline: "ip=up0:dhcp ip=up1:auto6",
    prepare: async ({ sandbox }) => {
      await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" });
      provider = await Provider6.start(sandbox, "up1", "store", "2001:db8:9::");
    },
  });
  const { uplink } = await online(node);
  t.is(uplink?.nic, "up0");
  const leased = await node.sandbox.until(`an address; the daemon said ${node.said()}`, async () => {
    const [, address] =
      /inet6 (2001:db8:9::1[0-9a-f]{2})\/128/u.exec(await node.sandbox.ip("-6 -o address show up1")) ?? [];
    return address;
  });
  t.deepEqual(await provider?.given(), [leased]);
  const pinged = await node.sandbox.run(["ping", "-6", "-c", "1", "-W", "5", "-I", leased, "2001:db8:9::1"]);
  t.is(pinged.code, 0, pinged.out);
});

test("patterns that no NIC matches leave no candidate, and the console says so", async (t) => {
  const node = await TestNode.start(t, { cmdline: "netloom.nic=eth9" });
  const line = "no NIC matches eth9 (flag netloom.nic=eth9): there is none";
  t.deepEqual((await node.client.status()).problems, [line]);
  t.true(node.said().includes(`netloom: ${line}\n`), node.said());
});
