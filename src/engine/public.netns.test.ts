/** The public side, with somebody's router at the other end of each cable. VLANs and WireGuard need another kernel: vm-tests/scenarios. */
import test from "ava";
import type { NodeDocument, PublicSide } from "../model/document.ts";
import type { Status } from "../model/report.ts";
import { lan, node as nodeDocument } from "../testing/builders.ts";
import { ownReport } from "../testing/own-report.ts";
import { Provider } from "../testing/provider.ts";
import { BINARY, SOURCE, TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const side: PublicSide = {
  addresses: ["203.0.113.7/24", "2001:db8:7::7/64"],
  gateways: ["203.0.113.1", "2001:db8:7::1"],
};
const uplink: NodeDocument["uplink"] = { mode: "dhcp4", nics: ["up0"] };
const without = yaml(nodeDocument({ uplink }));
const withSide = (part: Partial<PublicSide> = {}): string =>
  yaml(nodeDocument({ uplink, public: { ...side, ...part } }));

/** A provider's router: the uplink's DHCP server, and the gateway of public addresses on the same or on another cable. */
async function provide({ sandbox }: TestNode, publicNetns: string): Promise<void> {
  await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" });
  if (publicNetns !== "isp") await sandbox.cable("pub0", publicNetns);
  await sandbox.ip(`-n ${publicNetns} address add 203.0.113.1/24 dev eth0`);
  await sandbox.ip(`-n ${publicNetns} address add 2001:db8:7::1/64 dev eth0 nodad`);
}

function online(node: TestNode): Promise<Status> {
  return node.sandbox.until(`the node to be online; the daemon said ${node.said()}`, async () => {
    const status = await node.client.status();
    return status.online && status.uplink !== null ? status : undefined;
  });
}

/**
 * Online, and nothing is left to be done: what the uplink was found by goes in the pass after the one that puts it up, and its own client
 * reports the lease of the probe once more, which may be another second's.
 */
async function settled(node: TestNode): Promise<Status> {
  const status = await online(node);
  await ownReport(node, "dhcp-zos", "up0.4");
  await node.sandbox.until("an apply without changes", async () => {
    const { code, out, err } = await node.applyConfirmed(without);
    return code === 0 && out === "no changes\n" && err === "" ? true : undefined;
  });
  return status;
}

async function reaches(node: TestNode, netns: string, address: string): Promise<void> {
  await node.sandbox.until(`${netns} to reach ${address}`, async () => {
    const { code } = await node.sandbox.run([
      ...["nsenter", `--net=/run/netns/${netns}`, "--", "ping", "-c", "1", "-W", "1", address],
    ]);
    return code === 0 ? true : undefined;
  });
}

/** How often a link lost or got its carrier. */
async function carrierChanges(node: TestNode, link: string): Promise<unknown> {
  const [found] = JSON.parse(await node.sandbox.ip(`-j -s -s link show dev ${link}`)) as readonly {
    readonly stats64: { readonly tx: { readonly carrier_changes: number } };
  }[];
  return found?.stats64.tx.carrier_changes;
}

/**
 * What the state is when it has settled, but for the file that tells the node from others, which stays, and for what the kernel adds
 * some time after an address; in no order, since routes are told in that of their making.
 */
async function snapshot(node: TestNode): Promise<string> {
  let last = "";
  return await node.sandbox.until("two equal snapshots", async () => {
    const lines = (await node.snapshot()).split("\n");
    const now = lines
      .filter((line) => !/\/node-id$|table local|^multicast /u.test(line))
      .toSorted()
      .join("\n");
    // The process that guarded a change ends some time after the verdict, and services become their programs some time after they start.
    const moving = now !== last || / guard --root=|^\S*sh /mu.test(now);
    last = now;
    return moving ? undefined : now;
  });
}

for (const runtime of [SOURCE, BINARY]) {
  test(`${runtime.title}: one NIC: the public side is set and unset twice, and the uplink never loses carrier or lease`, async (t) => {
    const node = await TestNode.start(t, {
      runtime,
      config: {},
      prepare: (one) => provide(one, "isp"),
    });
    t.like(await node.applyConfirmed(without), { code: 0, err: "" });
    const { uplink: before } = await settled(node);
    const carrier = (): Promise<readonly unknown[]> =>
      Promise.all(["zos", "up0"].map((link) => carrierChanges(node, link)));
    const [empty, downs] = [await snapshot(node), await carrier()];
    for (const _round of [1, 2]) {
      const { code, err } = await node.apply(withSide());
      t.is(code, 0, err);
      const status = await node.client.status();
      t.like(status.publicSide, { mode: "single", nic: "up0", port: "p-tozos", waiting: null, ...side });
      t.regex((await node.netloom(["status"])).out, /^public {4}single NIC by up0 \(p-tozos\) 203\.0\.113\.7\/24 /mu);
      for (const address of ["203.0.113.7", "2001:db8:7::7"]) await reaches(node, "isp", address);
      for (const address of side.gateways) await reaches(node, "public", address);
      const addresses = await node.sandbox.ip("-n public -o address show dev public scope global");
      t.deepEqual(
        addresses
          .trim()
          .split("\n")
          .map((line) => /inet6? (\S+)/u.exec(line)?.[1]),
        side.addresses,
      );
      t.like(await node.apply(withSide()), { code: 0, out: "no changes\n" });

      t.like(await node.apply(without), { code: 0, err: "" });
      t.is((await node.client.status()).publicSide, null);
      t.is(await snapshot(node), empty);
      t.deepEqual(await carrier(), downs);
    }
    t.deepEqual((await online(node)).uplink?.addresses, before?.addresses);
    t.notRegex(node.said(), /netloom: offline/u);
  });
}

test("two NICs: the second is the public side's, and free again afterwards; a killed daemon's successor takes no step", async (t) => {
  const node = await TestNode.start(t, { prepare: (one) => provide(one, "hoster") });
  t.like(await node.applyConfirmed(without), { code: 0, err: "" });
  await settled(node);
  const empty = await snapshot(node);
  t.like(await node.apply(withSide({ nic: "pub0" })), { code: 0, err: "" });
  t.like((await node.client.status()).publicSide, { mode: "dual", nic: "pub0", port: "pub0" });
  await reaches(node, "hoster", "203.0.113.7");
  await reaches(node, "public", "2001:db8:7::1");
  t.regex(await node.sandbox.ip("-o link show pub0"), /master br-pub/u);
  // The segments are apart: nobody on the uplink's hears of the public one.
  t.is(await node.sandbox.ip("-o link show type veth master zos"), await node.sandbox.ip("-o link show up0"));

  await node.stopDaemon("SIGKILL");
  t.is((await node.startDaemon()).reconciles.changed, 0);
  t.like(await node.apply(withSide({ nic: "pub0", addresses: ["203.0.113.8/24"], gateways: ["203.0.113.1"] })), {
    code: 0,
  });
  await reaches(node, "hoster", "203.0.113.8");
  t.notRegex(await node.sandbox.ip("-n public -o address show dev public"), /203\.0\.113\.7|2001:db8:7::7/u);

  t.like(await node.apply(without), { code: 0, err: "" });
  t.is(await snapshot(node), empty);
});

test("a NIC that is the uplink's, a LAN's or not just one is refused by its key, and nothing is kept", async (t) => {
  const node = await TestNode.start(t, { prepare: (one) => provide(one, "hoster") });
  t.like(await node.applyConfirmed(without), { code: 0, err: "" });
  await online(node);
  const lab = lan("lab", { cidr: "10.5.0.0/24", nics: ["pub0"] });
  t.like(await node.apply(yaml(lab)), { code: 0, err: "" });
  const kept = await node.netloom(["show"]);
  for (const [nic, why] of [
    ["up0", /Node node: public\.nic up0 is up0, by which the node is reached: leave public\.nic out/u],
    ["pub0", /Node node: public\.nic pub0 is pub0, a port of Lan lab/u],
    ["*0", /Node node: public\.nic \*0 is .*up0.*: give a pattern that one NIC has/u],
  ] as const) {
    const { code, err } = await node.apply(withSide({ nic }));
    t.is(code, 1);
    t.regex(err, why);
    t.deepEqual(await node.netloom(["show"]), kept);
    t.notRegex(await node.sandbox.ip("netns list"), /public/u);
  }
  t.is((await node.client.status()).publicSide, null);
});

test("a public side whose NIC is missing says so, and is there as soon as the NIC is", async (t) => {
  const node = await TestNode.start(t, { prepare: (one) => provide(one, "isp") });
  const { code, err } = await node.applyConfirmed(withSide({ nic: "late0" }));
  t.is(code, 0, err);
  t.like((await node.client.status()).publicSide, { mode: "dual", nic: null, waiting: "there is no NIC late0" });
  await node.sandbox.cable("late0", "hoster");
  await node.sandbox.ip("-n hoster address add 203.0.113.1/24 dev eth0");
  await reaches(node, "hoster", "203.0.113.7");
  const there = await node.sandbox.until("the NIC in the status", async () => {
    const { publicSide } = await node.client.status();
    return publicSide?.waiting === null ? publicSide : undefined;
  });
  t.like(there, { nic: "late0", port: "late0" });
});

test("somebody else's namespace of that name is named and left alone, and the rest holds", async (t) => {
  const node = await TestNode.start(t, {
    prepare: async (one) => {
      await provide(one, "isp");
      await one.sandbox.ip("netns add public");
    },
  });
  const { code, err } = await node.applyConfirmed(withSide());
  t.is(code, 1);
  t.regex(err, /namespace public exists and is not this daemon's/u);
  await online(node);
  t.is(await node.sandbox.ip("-n public -o address show scope global"), "");
});
