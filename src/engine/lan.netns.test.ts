/** A LAN as its members see it: real DHCP clients on a cable into the bridge, real dnsmasq. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { lan } from "../testing/builders.ts";
import { lookAtLinks } from "../testing/look-at-links.ts";
import { SOURCE, BINARY, TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

/** Prints what a DHCP client was told, one `key=value` a line. */
const REPORT = '#!/bin/sh\n[ "$1" = bound ] && env >"$REPORT"\nexit 0\n';

/** A member of a LAN: a namespace with a cable into its bridge. */
async function member(node: TestNode, bridge: string, name: string): Promise<void> {
  await node.sandbox.cable(`p-${name}`, name, bridge);
}

/** What a client program learns: the variables of its script. */
async function lease(node: TestNode, netns: string, client: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const [script, report] = [
    join(node.sandbox.dir, "report"),
    join(node.sandbox.dir, `lease-${netns}-${client.length}`),
  ];
  await writeFile(script, REPORT, { mode: 0o755 });
  const argv = [
    "env",
    `REPORT=${report}`,
    ...client,
    "-f",
    "-n",
    "-q",
    "-i",
    "eth0",
    "-s",
    script,
    "-t",
    "60",
    "-T",
    "1",
  ];
  await node.sandbox.output(argv, netns);
  const lines = (await node.sandbox.output(["cat", report])).split("\n");
  return new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

for (const runtime of [SOURCE, BINARY]) {
  test(`${runtime.title}: members get addresses by DHCPv4, DHCPv6 and SLAAC, and names; deletion leaves nothing`, async (t) => {
    const node = await TestNode.start(t, { runtime });
    const empty = await node.snapshot();
    const lab = lan("lab", {
      cidr: "10.5.0.0/24",
      dhcp: true,
      ipv6: { cidr: "fd00:5::/64", dhcp: true },
      ntp: ["10.5.0.1"],
    });
    t.like(await node.apply(yaml(lab)), { code: 0, err: "" });
    await member(node, "l-lab", "m1");

    const four = await lease(node, "m1", ["udhcpc", "-x", "hostname:printer", "-O", "ntpsrv"]);
    t.regex(four.get("ip") ?? "", /^10\.5\.0\.\d+$/u);
    t.like(Object.fromEntries(four), {
      mask: "24",
      router: "10.5.0.1",
      dns: "10.5.0.1",
      ntpsrv: "10.5.0.1",
      lease: "3600",
    });
    // The client only reports; with its address it can ask for names.
    await node.sandbox.ip(`-n m1 address add ${four.get("ip") ?? ""}/24 dev eth0`);
    const hosts = await node.sandbox.output(["busybox", "nslookup", "printer.lab.lan", "10.5.0.1"], "m1");
    t.true(hosts.includes(four.get("ip") ?? "none"), hosts);

    const slaac = await node.sandbox.until(
      "an address from a router advertisement",
      async () =>
        /inet6 (fd00:5:\S+)/u.exec(
          await node.sandbox.ip("-n m1 -o -6 address show dev eth0 scope global -tentative"),
        )?.[1],
    );
    t.regex(slaac, /^fd00:5::[0-9a-f:]+\/64$/u);
    t.regex(
      (await lease(node, "m1", ["busybox", "udhcpc6"])).get("ipv6") ?? "",
      /^fd00:0005:(?:0000:){5}1[0-9a-f]{3}$/u,
    );

    t.deepEqual(await node.apply(yaml(lab)), { code: 0, out: "no changes\n", err: "" });
    await node.sandbox.ip("netns del m1");
    await node.sandbox.until("the cable to go", async () => ((await node.links()).includes("p-m1") ? undefined : true));
    t.like(await node.netloom(["delete", "Lan", "lab"]), { code: 0, err: "" });
    t.is(await node.snapshot(), empty);
  });
}

test("a LAN without IPv6 or DHCP sends neither, and has no process", async (t) => {
  const node = await TestNode.start(t);
  await node.apply(yaml(lan("lab", { cidr: "10.5.0.0/24" })));
  t.deepEqual((await node.client.status()).processes, []);
  t.notRegex(await node.sandbox.ip("-o -6 address show dev l-lab"), /scope global/u);
});

test("switching DHCP off ends dnsmasq and keeps the bridge with its ports", async (t) => {
  const node = await TestNode.start(t);
  await node.apply(yaml(lan("lab", { cidr: "10.5.0.0/24", dhcp: true })));
  await member(node, "l-lab", "m1");
  const ports = (): Promise<string> => lookAtLinks(node.sandbox, "ip -o link show master l-lab");
  const before = await ports();
  t.like(await node.apply(yaml(lan("lab", { cidr: "10.5.0.0/24" }))), { code: 0, err: "" });
  t.is(await ports(), before);
  const dnsmasq = [...(await node.sandbox.processes()).values()].filter((line) => line.includes("dnsmasq"));
  t.deepEqual(dnsmasq, []);
});

test("dnsmasq accepts whatever names and addresses a document may hold", async (t) => {
  const node = await TestNode.start(t);
  const lans = [
    lan("0-_9Z", { cidr: "10.0.0.0/30", dhcp: true, dns: ["9.9.9.9", "2620:fe::fe"], ntp: ["10.0.0.1"] }),
    lan("A_very-long_0", {
      cidr: "172.16.0.0/12",
      gateway: "172.31.255.254",
      dhcp: true,
      ipv6: { cidr: "fd00:1::/64", dhcp: false },
    }),
    lan("x", { cidr: "10.2.0.0/29", dhcp: true, dns: [], ipv6: { cidr: "fd00:2::/64", dhcp: true } }),
  ];
  t.like(await node.apply(yaml(...lans)), { code: 0, err: "" });
  for (const { name } of lans)
    await node.sandbox.output(["dnsmasq", "--test", `--conf-file=${join(node.runtimeDir, "dnsmasq", `${name}.conf`)}`]);
  const services = async (): Promise<true | undefined> =>
    (await node.client.status()).processes.every(({ up }) => up) ? true : undefined;
  await node.sandbox.until("all services", services);
  t.pass();
});
