/** The addon against the real kernel, in fresh namespaces with random names. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import test, { type ExecutionContext } from "ava";

import {
  addonVersion,
  netnsCreate,
  netnsDelete,
  netnsList,
  Netlink,
  requestsOfProcess,
  openMonitor,
  peerCred,
  sysctlGet,
  sysctlSet,
} from "./addon.ts";
import { until } from "../lib/async.ts";
import { uptime } from "../lib/uptime.ts";
import type { KernelEvent, Link } from "./netlink-types.ts";
import type { Request } from "./netlink-requests.ts";
import { freshNetns, TEST_GROUP } from "../testing/fresh-netns.ts";

async function open(t: ExecutionContext, path?: string): Promise<Netlink> {
  const netlink = await Netlink.open(path);
  t.teardown(() => netlink.close());
  return netlink;
}

async function apply(t: ExecutionContext, netlink: Netlink, ...requests: readonly Request[]): Promise<void> {
  const refused = (await netlink.batch(requests)).filter(({ ok }) => !ok);
  t.deepEqual(refused, []);
}

async function linkNamed(netlink: Netlink, name: string): Promise<Link | undefined> {
  return (await netlink.dump("links")).links.find((link) => link.name === name);
}

const bridge = (name: string): Request => ({ op: "link.add", type: "bridge", name, group: TEST_GROUP, up: true });

test("a new namespace is listed with the owner's group and has its loopback up", async (t) => {
  const path = await freshNetns(t);
  const listed = (await netnsList()).find((entry) => path.endsWith(`/${entry.name}`));
  t.is(listed?.group, TEST_GROUP);
  const lo = await linkNamed(await open(t, path), "lo");
  t.like(lo, { up: true, group: TEST_GROUP, type: "loopback", kind: null });
});

test("a taken name is EEXIST and stays as it was, an absent one is ENOENT", async (t) => {
  const path = await freshNetns(t);
  const name = path.slice("/run/netns/".length);
  await t.throwsAsync(netnsCreate(name, TEST_GROUP + 1), {
    code: "EEXIST",
    message: new RegExp(`netns.create ${name}`),
  });
  t.is((await netnsList()).find((entry) => entry.name === name)?.group, TEST_GROUP);
  await t.throwsAsync(netnsDelete(`${name}x`), { code: "ENOENT" });
  await t.throwsAsync(netnsCreate("../x", TEST_GROUP), { code: "EINVAL" });
});

test("a veth pair is born with one end in another namespace, marked and up on both sides", async (t) => {
  const [here, there] = [await freshNetns(t), await freshNetns(t)];
  const netlink = await open(t, here);
  await apply(t, netlink, bridge("br0"), {
    op: "link.add",
    type: "veth",
    name: "v0",
    mac: "02:00:00:00:00:01",
    mtu: 1420,
    group: TEST_GROUP,
    master: "br0",
    up: true,
    alias: "to the other side",
    peer: { name: "eth0", mac: "02:00:00:00:00:02", mtu: 1420, group: TEST_GROUP + 1, up: true, netnsPath: there },
  });
  const [br0, v0] = [await linkNamed(netlink, "br0"), await linkNamed(netlink, "v0")];
  const eth0 = await linkNamed(await open(t, there), "eth0");
  t.like(v0, {
    kind: "veth",
    mac: "02:00:00:00:00:01",
    mtu: 1420,
    group: TEST_GROUP,
    alias: "to the other side",
    carrier: true,
  });
  t.is(v0?.master, br0?.index);
  t.like(eth0, { mac: "02:00:00:00:00:02", mtu: 1420, group: TEST_GROUP + 1, up: true, carrier: true });
  t.is(v0?.peerIndex, eth0?.index);
  t.is(eth0?.peerIndex, v0?.index);
  t.not(v0?.peerNetnsId, null);
  t.is(await linkNamed(netlink, "eth0"), undefined);
});

test("a bridge takes its options and releases a port", async (t) => {
  const path = await freshNetns(t);
  const netlink = await open(t, path);
  await apply(
    t,
    netlink,
    {
      op: "link.add",
      type: "bridge",
      name: "br0",
      group: TEST_GROUP,
      options: { stp: false, forwardDelay: 0, mcastSnooping: false },
    },
    {
      op: "link.add",
      type: "veth",
      name: "v0",
      group: TEST_GROUP,
      master: "br0",
      peer: { name: "v1", group: TEST_GROUP },
    },
    { op: "link.set", name: "v0", master: null },
  );
  t.is((await linkNamed(netlink, "v0"))?.master, null);
});

test("a tap is made by the same request as any other link, and what was sent is counted", async (t) => {
  const netlink = await open(t, await freshNetns(t));
  const before = netlink.requests();
  await apply(t, netlink, bridge("br0"), {
    op: "link.add",
    type: "tun",
    name: "t0",
    group: TEST_GROUP,
    master: "br0",
    options: { mode: "tap", owner: 0 },
  });
  t.like(await linkNamed(netlink, "t0"), { kind: "tun", group: TEST_GROUP, options: { mode: "tap", owner: 0 } });
  const { changes, reads } = netlink.requests();
  t.true(changes > before.changes && reads > before.reads);
  await netlink.dump("vlans");
  t.is(netlink.requests().changes, changes);
  t.true(requestsOfProcess().changes >= changes);
});

test("the largest MTU that a driver takes is told, and of a larger one nothing is done", async (t) => {
  const netlink = await open(t, await freshNetns(t));
  await apply(t, netlink, { op: "link.add", type: "tun", name: "t0", group: TEST_GROUP, options: { mode: "tap" } });
  const { maxMtu = 0 } = (await linkNamed(netlink, "t0")) ?? {};
  t.true(maxMtu > 1500 && maxMtu < 65_535, `${maxMtu}`);
  const [refused] = await netlink.batch([{ op: "link.set", name: "t0", mtu: maxMtu + 1, up: true }]);
  t.like(refused, { ok: false, code: "EINVAL" });
  t.like(await linkNamed(netlink, "t0"), { mtu: 1500, up: false });
  await apply(t, netlink, { op: "link.set", name: "t0", mtu: maxMtu, up: true });
  t.like(await linkNamed(netlink, "t0"), { mtu: maxMtu, up: true });
});

test("the driver of a veth says that its other end is there", async (t) => {
  const netlink = await open(t, await freshNetns(t));
  const peer = { name: "v1", group: TEST_GROUP, up: true };
  await apply(t, netlink, { op: "link.add", type: "veth", name: "v0", group: TEST_GROUP, up: true, peer });
  const states = await netlink.linkStates();
  t.like(
    states.find(({ name }) => name === "v0"),
    { link: true, speed: 10_000, duplex: "full" },
  );
});

test("addresses and routes carry the owner's mark", async (t) => {
  const netlink = await open(t, await freshNetns(t));
  const asked = uptime();
  await apply(
    t,
    netlink,
    bridge("br0"),
    { op: "address.add", dev: "br0", address: "10.9.0.1/24", proto: 78, validLifetime: 600 },
    { op: "address.add", dev: "br0", address: "fd00::1/64", proto: 78, noDad: true },
    { op: "route.add", to: "10.10.0.0/16", via: "10.9.0.2", dev: "br0", metric: 5, protocol: 79 },
    { op: "route.add", to: "::/0", via: "fd00::2", dev: "br0", protocol: 79 },
    { op: "route.add", to: "10.11.0.0/16", via: "fd00::2", dev: "br0", protocol: 79, table: 1000 },
  );
  const { addresses, routes } = await netlink.dump("addresses", "routes");
  const ours = addresses.filter((address) => address.proto === 78);
  t.deepEqual(ours.map((address) => address.address).toSorted(), ["10.9.0.1/24", "fd00::1/64"]);
  const left = ours.find((address) => address.family === 4)?.validLifetime ?? 0;
  // The kernel counts it down.
  t.true(left <= 600 && left >= 600 - Math.ceil(uptime() - asked), `${left}`);
  t.true(ours.find((address) => address.family === 6)?.flags.includes("permanent"));
  const marked = routes.filter((route) => route.protocol === 79);
  t.deepEqual(marked.map(({ family, to, via, table }) => `${family} ${to} via ${via} table ${table}`).toSorted(), [
    "4 10.10.0.0/16 via 10.9.0.2 table 254",
    "4 10.11.0.0/16 via fd00::2 table 1000",
    "6 default via fd00::2 table 254",
  ]);
  await apply(
    t,
    netlink,
    { op: "route.del", to: "10.10.0.0/16", via: "10.9.0.2", dev: "br0", metric: 5, protocol: 79 },
    { op: "address.del", dev: "br0", address: "10.9.0.1/24" },
  );
  const after = await netlink.dump("addresses", "routes");
  t.false(after.routes.some((route) => route.to === "10.10.0.0/16"));
  t.false(after.addresses.some((address) => address.address === "10.9.0.1/24"));
});

test("a route of another protocol is not deleted", async (t) => {
  const netlink = await open(t, await freshNetns(t));
  const keys = { to: "10.10.0.0/16", dev: "br0" } as const;
  await apply(t, netlink, bridge("br0"), { op: "route.add", ...keys, protocol: 4 });
  const [outcome] = await netlink.batch([{ op: "route.del", ...keys, protocol: 78 }]);
  t.like(outcome, { ok: false, code: "ESRCH" });
  t.true((await netlink.dump("routes")).routes.some((route) => route.to === keys.to));
});

test("one refused request does not stop the others, and says the kernel's reason", async (t) => {
  const netlink = await open(t, await freshNetns(t));
  const outcomes = await netlink.batch([
    bridge("br0"),
    bridge("br0"),
    { op: "route.add", to: "10.1.0.0/16", via: "172.16.0.1", dev: "br0", protocol: 78 },
    { op: "address.add", dev: "none", address: "10.0.0.1/24", proto: 78 },
    { op: "address.add", dev: "br0", address: "10.0.0.1/24", proto: 78 },
  ]);
  t.deepEqual(
    outcomes.map((outcome) =>
      outcome.ok ? "ok" : `${outcome.code} ${outcome.op} ${outcome.target}: ${outcome.message}`,
    ),
    [
      "ok",
      "EEXIST link.add br0: File exists",
      "ENETUNREACH route.add 10.1.0.0/16 on br0: Nexthop has invalid gateway",
      "ENODEV address.add 10.0.0.1/24 on none: No such device",
      "ok",
    ],
  );
});

test("many links are deleted together, and nothing else of the same owner", async (t) => {
  const netlink = await open(t, await freshNetns(t));
  const names = Array.from({ length: 20 }, (_, number) => `b${number}`);
  await apply(t, netlink, bridge("stays"), ...names.map(bridge));
  const [outcome] = await netlink.batch([{ op: "link.del", names: [...names, "gone", "lo"] }]);
  t.false(outcome?.ok);
  const failures = outcome?.ok === false ? outcome.failures : [];
  t.deepEqual(
    failures?.map(({ target, code }) => [target, code]),
    [
      ["gone", "ENODEV"],
      ["lo", "EOPNOTSUPP"],
    ],
  );
  const { links } = await netlink.dump("links");
  t.deepEqual(
    links.map(({ name, group }) => [name, group]),
    [
      ["lo", TEST_GROUP],
      ["stays", TEST_GROUP],
    ],
  );
});

test("a monitor hears of another namespace and says which", async (t) => {
  const [here, there] = [await freshNetns(t), await freshNetns(t)];
  const netlink = await open(t, here);
  await apply(t, netlink, {
    op: "link.add",
    type: "veth",
    name: "v0",
    group: TEST_GROUP,
    peer: { name: "v1", group: TEST_GROUP, netnsPath: there },
  });
  const id = (await linkNamed(netlink, "v0"))?.peerNetnsId;
  const heard: KernelEvent[] = [];
  using _monitor = openMonitor(here, (event) => heard.push(event));
  await apply(t, await open(t, there), bridge("far"));
  // Waits by looking, since a monitor alone does not keep the process alive.
  const far = await until(() => Promise.resolve(heard.find(({ type, name }) => type === "link" && name === "far")), {
    timeoutMs: 60_000,
    intervalMs: 10,
  });
  t.like(far, { action: "new", nsid: id });
});

test("sysctls are read and written inside the namespace only", async (t) => {
  const path = await freshNetns(t);
  const before = await sysctlGet(null, ["net.ipv4.conf.default.rp_filter"]);
  const other = before["net.ipv4.conf.default.rp_filter"] === "2" ? "1" : "2";
  await apply(t, await open(t, path), bridge("a.b"));
  await sysctlSet(path, "net.ipv4.conf.a/b.rp_filter", other);
  await sysctlSet(path, "net.ipv4.conf.default.rp_filter", other);
  t.deepEqual(await sysctlGet(path, ["net/ipv4/conf/a.b/rp_filter", "net.ipv4.conf.default.rp_filter", "net.none"]), {
    "net/ipv4/conf/a.b/rp_filter": other,
    "net.ipv4.conf.default.rp_filter": other,
    "net.none": null,
  });
  t.deepEqual(await sysctlGet(null, ["net.ipv4.conf.default.rp_filter"]), before);
  await t.throwsAsync(sysctlSet(path, "net.none", "1"), { code: "ENOENT" });
  await t.throwsAsync(sysctlGet(path, ["../../etc/passwd"]), { code: "EINVAL" });
});

test("a namespace without nftables has no tables", async (t) => {
  const netlink = await open(t, await freshNetns(t));
  t.deepEqual((await netlink.nftTables()).tables, []);
});

test("closed sockets refuse further calls", async (t) => {
  const netlink = await open(t, await freshNetns(t));
  netlink.close();
  await t.throwsAsync(netlink.dump("links"), { code: "EBADF" });
  await t.throwsAsync(Netlink.open("/run/netns/t-none"), { code: "ENOENT" });
});

test("keys never come back in an error", async (t) => {
  const netlink = await open(t, await freshNetns(t));
  const secret = "c2VjcmV0";
  const error = await t.throwsAsync(netlink.wireguardSet("wg0", { privateKey: secret }), { code: "EINVAL" });
  t.false(error.message.includes(secret));
});

test("the peer of a unix socket is known", async (t) => {
  const server = createServer();
  t.teardown(() => server.close());
  server.listen(join(tmpdir(), `t-${randomBytes(6).toString("hex")}.sock`));
  await once(server, "listening");
  const address = server.address();
  const client = connect(typeof address === "string" ? address : "");
  t.teardown(() => client.destroy());
  const [connection] = (await once(server, "connection")) as [{ _handle: { fd: number }; destroy(): void }];
  t.teardown(() => connection.destroy());
  t.like(peerCred(connection._handle.fd), { pid: process.pid, uid: process.getuid?.() });
  t.throws(() => peerCred(-1), { code: "EBADF" });
});

test("the addon is of this version", (t) => {
  t.regex(addonVersion(), /^\d+\.\d+\.\d+$/);
});
