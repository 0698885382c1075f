/** The guard of the uplink, with a real gateway at the other end of the cable. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { Status } from "../model/report.ts";
import { lan, node as nodeDocument } from "../testing/builders.ts";
import { Provider } from "../testing/provider.ts";
import { BINARY, SOURCE, TestNode, type Runtime } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const uplink = (...nics: string[]): string => yaml(nodeDocument({ uplink: { mode: "dhcp4", nics, ignore: [] } }));
/** The mistake: the node's only way out becomes a port of a LAN. */
const swallow = yaml(lan("lab", { cidr: "10.5.0.0/24", nics: ["up0"] }));
const CUT = /apply Lan lab: reverted: IPv4 gateway is missing: there is no default route with one/u;

/** A node that is online by up0, behind which is 192.168.50.1. */
async function onlineNode(t: ExecutionContext, guardSeconds: number, runtime: Runtime = SOURCE): Promise<TestNode> {
  const node = await TestNode.start(t, {
    runtime,
    guardSeconds,
    config: { "node.yaml": uplink("up0") },
    prepare: async ({ sandbox }) =>
      void (await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" })),
  });
  await online(node);
  return node;
}

function online(node: TestNode, nic: string = "up0"): Promise<Status> {
  return node.sandbox.until(`the node to be online by ${nic}; the daemon said ${node.said()}`, async () => {
    const status = await node.client.status();
    return status.online && status.uplink?.nic === nic ? status : undefined;
  });
}

const isPort = async (node: TestNode): Promise<boolean> =>
  (await node.sandbox.ip("-o link show up0")).includes("master l-lab");
const answers = async (node: TestNode): Promise<true | undefined> =>
  (await node.sandbox.run(["ping", "-c", "1", "-W", "1", "192.168.50.1"])).code === 0 ? true : undefined;

/** Nothing of the change is left, and the node is reached as before. */
async function isBack(t: ExecutionContext, node: TestNode): Promise<void> {
  await node.sandbox.until("the gateway to answer again", () => answers(node));
  t.regex(await node.sandbox.ip("-d -o -4 address show dev zos"), /inet 192\.168\.50\.\d+\/24 [^\n]*proto 0x4e/u);
  t.regex(await node.sandbox.ip("-d -4 route show default"), /default via 192\.168\.50\.1 dev zos proto 78 /u);
  t.false(await isPort(node));
  t.false((await node.links()).includes("l-lab"));
  t.deepEqual(
    (await readdir(join(node.root, "documents"))).filter((name) => name.startsWith("Lan")),
    [],
  );
  t.false((await readdir(node.root)).includes("checkpoint.yaml"));
}

/** The processes that wait beside a daemon. */
async function guards(node: TestNode): Promise<readonly number[]> {
  return [...(await node.sandbox.processes())].flatMap(([pid, line]) => (line.includes(" guard --root") ? [pid] : []));
}

/** Makes the deadline on the disk one that has passed. */
async function passDeadline(node: TestNode): Promise<void> {
  await node.sandbox.output(["sed", "-i", "s/^deadline: .*/deadline: 1/", join(node.root, "checkpoint.yaml")]);
}

/** Waits until the daemon says that the change was reverted, and why. */
async function reverted(node: TestNode, why: string = ""): Promise<void> {
  await node.sandbox.until("the change to be reverted", async () => {
    const { guard } = await node.client.status();
    return guard?.state === "reverted" && guard.message.includes(why) ? true : undefined;
  });
}

/** Starts the change, and waits until its steps are done and its checks fail. */
async function cut(node: TestNode): Promise<{ readonly answer: Promise<unknown> }> {
  const answer = node.client.apply([{ name: "text", text: swallow }]).catch((error: unknown) => error);
  await node.sandbox.until("the uplink to be a port of the LAN", async () => ((await isPort(node)) ? true : undefined));
  return { answer };
}

for (const runtime of [SOURCE, BINARY]) {
  test(`${runtime.title}: a LAN that swallows the uplink is reverted, and the one who applied it learns why`, async (t) => {
    const node = await onlineNode(t, 3, runtime);
    const before = await online(node);
    const planned = await node.netloom(["plan", "-"], swallow);
    t.regex(planned.err, /^warning: this touches zos, up0, by which the node is reached/u);
    const { code, out, err } = await node.apply(swallow);
    t.is(code, 1);
    t.regex(out, /ip link set up0 master l-lab/u);
    t.regex(err, CUT);
    await isBack(t, node);
    t.is((await online(node)).uplink?.address, before.uplink?.address);
    t.regex((await node.netloom(["status"])).out, /^change {4}reverted: apply Lan lab, which touches zos, up0: /mu);
    t.deepEqual(await node.apply(yaml(nodeDocument({ uplink: { mode: "dhcp4", nics: ["up0"], ignore: [] } }))), {
      code: 0,
      out: "no changes\n",
      err: "",
    });
  });

  test(`${runtime.title}: the daemon is killed after the steps and nobody starts it again: the change is reverted all the same`, async (t) => {
    const node = await onlineNode(t, 600, runtime);
    await cut(node);
    await node.stopDaemon("SIGKILL");
    t.true(await isPort(node));
    await passDeadline(node);
    await node.sandbox.until("the checkpoint to be gone", async () =>
      (await readdir(node.root)).includes("checkpoint.yaml") ? undefined : true,
    );
    await isBack(t, node);
    await node.sandbox.until("no process of Netloom to be left", async () =>
      (await guards(node)).length === 0 ? true : undefined,
    );
    const status = await node.startDaemon();
    // Its DHCP client began anew, and may have been given more time since.
    const others = status.lastReconcile?.steps.filter(
      (step) => !/^ip addr add \S+ dev zos valid-until \d+$/u.test(step),
    );
    t.deepEqual(others, []);
    t.like(status, { online: true, guard: { state: "reverted", change: "apply Lan lab" } });
  });
}

test("the daemon is killed after the steps and started again past the deadline: it reverts before its first pass", async (t) => {
  const node = await onlineNode(t, 600);
  await cut(node);
  await node.stopDaemon("SIGKILL");
  // As if the machine had gone down with it.
  for (const pid of await guards(node)) process.kill(pid, "SIGKILL");
  await passDeadline(node);
  await node.startDaemon();
  await reverted(node, "nobody confirmed it within its time");
  await isBack(t, node);
});

test("the daemon is killed and started again in time: it goes on checking, with another process beside it", async (t) => {
  const node = await onlineNode(t, 600);
  await cut(node);
  await node.stopDaemon("SIGKILL");
  for (const pid of await guards(node)) process.kill(pid, "SIGKILL");
  t.like(await node.startDaemon(), { guard: { state: "waiting", change: "apply Lan lab", uplinks: ["zos", "up0"] } });
  await node.sandbox.until("one process beside it", async () => ((await guards(node)).length === 1 ? true : undefined));
  await passDeadline(node);
  // Its own deadline is far; killed, the other one reads what is on the disk.
  await node.stopDaemon("SIGKILL");
  await node.sandbox.until("the gateway to answer again", () => answers(node));
});

test("a person keeps the change while it waits", async (t) => {
  const node = await onlineNode(t, 600);
  const { answer } = await cut(node);
  const other = await node.apply(yaml(lan("other", { cidr: "10.6.0.0/24" })));
  t.is(other.code, 1);
  t.regex(other.err, /apply Lan lab waits for its connectivity check[^]*netloom apply --confirm/u);
  t.regex(
    (await node.netloom(["status"])).out,
    /^change {4}waiting: apply Lan lab, which touches zos, up0: [^\n]* reverted in \d+ s/mu,
  );
  t.deepEqual(await node.netloom(["apply", "--confirm"]), { code: 0, out: "confirmed: apply Lan lab\n", err: "" });
  t.like(await answer, { outcome: "changed", guard: { state: "confirmed", message: "confirmed by hand" } });
  t.true(await isPort(node));
  t.false((await readdir(node.root)).includes("checkpoint.yaml"));
  t.deepEqual(await node.netloom(["apply", "--confirm"]), { code: 0, out: "nothing waits to be confirmed\n", err: "" });
});

test("an uplink that moves to another NIC is confirmed by itself as soon as the new gateway answers", async (t) => {
  const node = await TestNode.start(t, {
    guardSeconds: 600,
    config: { "node.yaml": uplink("up0") },
    prepare: async ({ sandbox }) => {
      await Provider.start(sandbox, { nic: "up0", netns: "isp0", network: "192.168.50" });
      await Provider.start(sandbox, { nic: "up1", netns: "isp1", network: "192.168.51" });
    },
  });
  await online(node);
  const { code, out } = await node.apply(uplink("up1"));
  t.is(code, 0);
  t.regex(out, /^confirmed: apply Node node, which touches zos: IPv4 gateway 192\.168\.51\.1 by zos answers$/mu);
  await online(node, "up1");
});

test("a way out that somebody else set up is guarded as well", async (t) => {
  const node = await TestNode.start(t, {
    guardSeconds: 3,
    config: { "node.yaml": yaml(nodeDocument({ uplink: { mode: "none", ignore: [] } })) },
    prepare: async ({ sandbox }) => {
      await sandbox.cable("up0", "isp");
      await sandbox.ip("-n isp address add 192.168.50.1/24 dev eth0");
      await sandbox.ip("address add 192.168.50.9/24 dev up0");
      await sandbox.ip("route add default via 192.168.50.1");
    },
  });
  const { code, err } = await node.apply(swallow);
  t.is(code, 1);
  t.regex(err, /apply Lan lab: reverted: IPv4 gateway 192\.168\.50\.1 by up0 does not answer/u);
  await node.sandbox.until("the gateway to answer again", () => answers(node));
  t.false(await isPort(node));
});
