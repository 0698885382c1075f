/** Calls of the addon that do much at once: against the real kernel, in fresh namespaces with random names. */
import { randomBytes } from "node:crypto";

import test from "ava";

import {
  batchAcross,
  netnsDelete,
  netnsId,
  Netlink,
  openDigests,
  raiseDescriptors,
  sysctlGet,
  sysctlSetMany,
} from "./addon.ts";
import { until } from "../lib/async.ts";
import type { KernelDigest } from "./digest-types.ts";
import { freshNetns, TEST_GROUP } from "../testing/fresh-netns.ts";

test("many namespaces are opened by one call, and each that cannot be says why", async (t) => {
  const paths = [await freshNetns(t), "/run/netns/t-none", await freshNetns(t)];
  const opened = await Netlink.openMany(paths);
  t.deepEqual(
    opened.map((one) => (one instanceof Netlink ? "open" : `${one.code} ${one.op} ${one.target}`)),
    ["open", "ENOENT netlink.open /run/netns/t-none", "open"],
  );
  for (const one of opened) {
    if (!(one instanceof Netlink)) continue;
    // oxlint-disable-next-line no-await-in-loop -- two of them
    t.is((await one.dump("links")).links[0]?.name, "lo");
    // oxlint-disable-next-line no-await-in-loop
    t.deepEqual((await one.nftChains()).chains, []);
    one.close();
  }
});

test("a namespace is made and opened by one call", async (t) => {
  const name = `t-${randomBytes(6).toString("hex")}`;
  using netlink = await Netlink.create(name, TEST_GROUP);
  t.teardown(() => netnsDelete(name));
  const { links } = await netlink.dump("links");
  t.deepEqual(
    links.map(({ name: link, group, up }) => [link, group, up]),
    [["lo", TEST_GROUP, true]],
  );
  using again = await Netlink.open(`/run/netns/${name}`);
  await again.batch([{ op: "link.add", type: "bridge", name: "br0", group: TEST_GROUP }]);
  t.is((await netlink.dump("links")).links.length, 2);
  await t.throwsAsync(Netlink.create(name, TEST_GROUP), { code: "EEXIST" });
});

test("a namespace that was given an id is heard in digests", async (t) => {
  const path = await freshNetns(t);
  const id = await netnsId(path);
  const heard: KernelDigest["dirty"][number][] = [];
  using _monitor = openDigests(null, ["link"], ({ dirty }) => heard.push(...dirty));
  using netlink = await Netlink.open(path);
  await netlink.batch([{ op: "link.add", type: "bridge", name: "br0", group: TEST_GROUP }]);
  // Waits by looking, since a monitor alone does not keep the process alive.
  const there = await until(
    () => Promise.resolve(heard.find(({ nsid, names }) => nsid === id && names.includes("br0"))),
    { timeoutMs: 60_000, intervalMs: 10 },
  );
  t.deepEqual(there?.kinds, ["link"]);
});

test("requests of several namespaces go in one call, in their order, each answered where it was asked", async (t) => {
  const [here, there] = [await freshNetns(t), await freshNetns(t)];
  using netlink = await Netlink.open(here);
  const peer = { name: "inside", group: TEST_GROUP, up: true, netnsPath: there };
  const answers = await batchAcross([
    {
      socket: netlink,
      path: here,
      requests: [{ op: "link.add", type: "veth", name: "outside", group: TEST_GROUP, up: true, peer }],
    },
    { socket: null, path: "/run/netns/t-none", requests: [{ op: "link.del", names: ["x"] }] },
    // It is there only since the first share was done.
    {
      socket: null,
      path: there,
      requests: [
        { op: "address.add", dev: "inside", address: "10.0.0.1/24", proto: 9 },
        { op: "link.del", names: ["none"] },
      ],
    },
  ]);
  t.deepEqual(
    answers.map((answer) => ("code" in answer ? answer.code : answer.map((one) => (one.ok ? "ok" : one.code)))),
    [["ok"], "ENOENT", ["ok", "ENODEV"]],
  );
});

test("many parameters are set by one call", async (t) => {
  const path = await freshNetns(t);
  const outcomes = await sysctlSetMany(path, [
    ["net.none", "1"],
    ["net.ipv4.ip_forward", "1"],
  ]);
  t.deepEqual(
    outcomes.map((outcome) => (outcome.ok ? "ok" : `${outcome.code} ${outcome.target}`)),
    ["ENOENT net.none = 1", "ok"],
  );
  t.deepEqual(await sysctlGet(path, ["net.ipv4.ip_forward"]), { "net.ipv4.ip_forward": "1" });
});

test("the limit of descriptors is raised as far as it goes", (t) => {
  const { soft, hard } = raiseDescriptors();
  t.is(soft, hard);
});
