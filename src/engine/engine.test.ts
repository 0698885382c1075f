import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { createLog } from "../lib/log.ts";
import { uptime } from "../lib/uptime.ts";
import { NO_FLAGS } from "../model/boot-flags.ts";
import type { Actual } from "../model/actual.ts";
import type { Document } from "../model/document.ts";
import type { SourceFile } from "../plan/parse-documents.ts";
import { lan, lease, nic, node, resource, testKey } from "../testing/builders.ts";
import { MemoryHost } from "../testing/memory-host.ts";
import { physicalNic } from "../testing/memory-kernel.ts";
import { settleUplink } from "../testing/settle.ts";
import { yaml } from "../testing/yaml.ts";
import { Allocations } from "./allocations.ts";
import { Engine } from "./engine.ts";
import { Guard } from "./guard.ts";
import { NodeState } from "./node-state.ts";
import { DocumentStore } from "./store.ts";

interface World {
  readonly host: MemoryHost;
  readonly engine: Engine;
  readonly store: DocumentStore;
  readonly state: NodeState;
  readonly said: string[];
}

/** An engine over a kernel in memory. It ends with the test. */
async function world(
  t: ExecutionContext,
  prepare: (host: MemoryHost) => void = () => undefined,
  appliance: boolean = false,
): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), "netloom-engine-"));
  const host = new MemoryHost();
  prepare(host);
  const said: string[] = [];
  const state = await NodeState.open(root, root, (line) => said.push(line));
  const store = new DocumentStore(join(root, "documents"));
  await store.load();
  const places = { runtimeDir: join(root, "run"), stateDir: root, appliance, flags: NO_FLAGS };
  const log = createLog("silent");
  const { guard } = await Guard.open({ root, host, store, log, seconds: 50, startDetached: () => undefined });
  const allocations = new Allocations(join(root, "allocations"));
  await allocations.load();
  const engine = new Engine({ host, store, allocations, state, guard, log, ...places });
  t.teardown(async () => {
    await engine[Symbol.asyncDispose]();
    await rm(root, { recursive: true });
  });
  await engine.start();
  if (host.leaseFacts.length > 0) await settleUplink(engine);
  return { host, engine, store, state, said };
}

const files = (...documents: Document[]): readonly SourceFile[] => [{ name: "text", text: yaml(...documents) }];
const never = new AbortController().signal;
const lab = lan("lab", { cidr: "10.5.0.0/24" });

test("apply does what plan says, and doing it again changes nothing", async (t) => {
  const { host, engine } = await world(t);
  const planned = await engine.plan(files(lab));
  t.deepEqual(host.kernel.link, []);
  t.deepEqual(engine.documents, []);
  const applied = await engine.apply(files(lab));
  t.deepEqual([applied.outcome, applied.steps], ["changed", planned.steps]);
  t.like(await engine.apply(files(lab)), { outcome: "unchanged", steps: [] });
  t.like(await engine.delete("Lan", "lab"), { outcome: "changed", steps: ["ip link del l-lab"] });
  t.deepEqual(host.kernel.link, []);
});

test("a pass that throws is in the view, and is tried again until it works, without an event", async (t) => {
  const { host, engine } = await world(t, (fresh) => (fresh.blind = new Error("netlink is gone")));
  t.like(engine.view.report, {
    outcome: "failed",
    failures: [{ step: "look at the node", message: "netlink is gone" }],
  });
  await engine.nextPass(never);
  t.is(engine.view.total, 2);
  host.blind = undefined;
  while (engine.view.report?.outcome === "failed") await engine.nextPass(never);
  t.is(engine.view.report?.outcome, "unchanged");
});

test("an event means a look at its namespace, and one that was lost a look at everything", async (t) => {
  const { host, engine } = await world(t);
  await engine.apply(files(lab, resource("demo")));
  host.event({ netns: new Set(["ndemo"]) });
  await engine.nextPass(never);
  t.deepEqual(host.scopes.at(-1), new Set(["ndemo"]));
  host.event({ everything: true });
  await engine.nextPass(never);
  t.is(host.scopes.at(-1), "all");
});

test("after tables that were torn too often everything is looked at again", async (t) => {
  const { host, engine } = await world(t);
  await engine.apply(files(resource("demo")));
  const why = "netlink.dump links of /run/netns/ndemo: the table changed during each of 16 reads (EINTR)";
  host.blind = Object.assign(new Error(why), { code: "EINTR" });
  host.event({ netns: new Set(["ndemo"]) });
  await engine.nextPass(never);
  t.like(engine.view.report, { outcome: "failed", failures: [{ step: "look at the node", message: why }] });
  host.blind = undefined;
  while (engine.view.report?.outcome === "failed") await engine.nextPass(never);
  t.is(host.scopes.at(-1), "all");
});

test("a change that comes while the engine is blind is kept and made as soon as it sees", async (t) => {
  const { host, engine } = await world(t);
  host.blind = new Error("netlink is gone");
  t.like(await engine.apply(files(lab)), { outcome: "failed" });
  host.blind = undefined;
  while (engine.view.report?.outcome === "failed") await engine.nextPass(never);
  t.deepEqual(
    host.kernel.link.map(({ name }) => name),
    ["l-lab"],
  );
});

test("a step that fails leaves the rest done, is named, is not waited for, and is tried again", async (t) => {
  const { host, engine } = await world(t);
  host.refuses = "10.5.0.1/24";
  const before = host.observed;
  const report = await engine.apply(files(lab, resource("demo")));
  t.like(report, {
    outcome: "failed",
    failures: [
      {
        step: "ip addr add 10.5.0.1/24 dev l-lab",
        object: "Lan lab: address l-lab 10.5.0.1/24",
        message: "the kernel refuses",
      },
    ],
    unverified: [],
  });
  t.true(host.kernel.link.some(({ name }) => name === "l-lab"));
  t.true(host.kernel.netns.some(({ name }) => name === "ndemo"));
  // A look before, one after, and none to wait for what is known to have failed.
  t.is(host.observed - before, 2);
  host.refuses = undefined;
  while (engine.view.report?.outcome === "failed") await engine.nextPass(never);
  t.true(host.kernel.address.some(({ address }) => address === "10.5.0.1/24"));
});

test("what the kernel undoes beside a step is done again in the same pass", async (t) => {
  const { host, engine } = await world(t, (fresh) => {
    fresh.nicFacts = [nic("eth0")];
    fresh.kernel = { ...fresh.kernel, link: [{ ...physicalNic("eth0", 2), up: true }] };
    fresh.leaseFacts = [lease("eth0", { expiresAt: uptime() + 3600 })];
    // fib_disable_ip(): with the last address of a link all its routes go.
    fresh.afterwards = (kernel, steps): Actual =>
      steps.some(({ op }) => op === "address.del") ? { ...kernel, route: [] } : kernel;
  });
  t.is(host.kernel.route.length, 1);
  host.leaseFacts = [lease("eth0", { address: "192.168.50.99/24", expiresAt: uptime() + 3600 })];
  const pass = engine.nextPass(never);
  host.event();
  await pass;
  t.is(engine.view.report?.outcome, "changed");
  t.is(host.kernel.route.length, 1);
});

test("passes and requests never overlap, and a burst of events is one pass", async (t) => {
  const { host, engine } = await world(t);
  const before = engine.view.total;
  for (let n = 0; n < 500; n += 1) host.event();
  await engine.nextPass(never);
  t.is(engine.view.total, before + 1);
  await Promise.all([
    ...Array.from({ length: 10 }, (_unused, n) => engine.apply(files(lan(`lan${n}`, { cidr: `10.${n}.0.0/24` })))),
    ...Array.from({ length: 10 }, () => engine.plan(files(lab))),
  ]);
  t.is(host.mostAtOnce, 1);
  t.is(host.kernel.link.length, 10);
});

test("a private key goes to the key files and to no other place", async (t) => {
  const { host, engine, store } = await world(t);
  const key = testKey("planted");
  const demo = resource("demo", { wireguard: { privateKey: key, listenPort: 51820, peers: [] } });
  const report = await engine.apply(files(demo));
  t.is(host.keys.given.get("demo")?.reveal(), key);
  t.false(JSON.stringify([report, store.all(), engine.view]).includes(key));
});

test("a plan neither makes nor keeps a key", async (t) => {
  const { host, engine } = await world(t);
  const report = await engine.plan(files(resource("demo", { wireguard: { listenPort: 51820, peers: [] } })));
  t.true(report.steps.some((step) => step.includes("private-key (of a key that apply makes)")));
  t.deepEqual([...host.keys.made], []);
});

test("the node is online while its uplink is as wished, whatever else fails", async (t) => {
  const { host, engine, state, said } = await world(t, (fresh) => {
    fresh.nicFacts = [nic("eth0")];
    fresh.kernel = { ...fresh.kernel, link: [{ ...physicalNic("eth0", 2), up: true }] };
    fresh.leaseFacts = [lease("eth0", { expiresAt: uptime() + 3600 })];
  });
  t.true(state.online);
  t.regex(
    said.join("\n"),
    /^netloom: nic eth0 chosen: [^\n]*\nnetloom: online eth0 192\.168\.50\.17\/24 at \d+\.\d+ s$/u,
  );
  host.refuses = "l-lab";
  t.like(await engine.apply(files(lab)), { outcome: "failed" });
  t.true(state.online);
  host.leaseFacts = [];
  t.like(await engine.apply(files(lab)), { outcome: "failed" });
  t.false(state.online);
  t.is(said.at(-1), "netloom: offline: eth0 has not got an address yet");
});

test("when no NIC has anything after the probe timeout, the console is told once what each one lacks", async (t) => {
  const began = uptime();
  const { host, engine, said } = await world(t, (fresh) => {
    fresh.nicFacts = [nic("eth0"), nic("eth1", { carrier: false })];
    fresh.kernel = { ...fresh.kernel, link: [physicalNic("eth0", 2), physicalNic("eth1", 3)] };
  });
  await engine.apply(files(node({ uplink: { mode: "dhcp4", probeTimeout: 1 } })));
  while (said.length === 0) await engine.nextPass(never);
  t.true(uptime() - began >= 1, "no sooner");
  for (let pass = 0; pass < 2; pass += 1) {
    host.event();
    await engine.nextPass(never);
  }
  t.deepEqual(said, [
    "netloom: nic eth0 not chosen: has carrier, no DHCPv4 answer yet",
    "netloom: nic eth1 not chosen: has no carrier, not probed without carrier",
  ]);
});

test("a closed engine makes no further pass", async (t) => {
  const { host, engine } = await world(t);
  await engine[Symbol.asyncDispose]();
  const { total } = engine.view;
  host.event();
  engine.wake();
  await new Promise((resolve) => setImmediate(resolve));
  t.is(engine.view.total, total);
});

test("documents that are refused are refused with all reasons, and nothing of them is kept", async (t) => {
  const { engine, host } = await world(t);
  const report = await engine.apply(files(lab, lan("two", { cidr: "10.5.0.0/25", gateway: "10.9.9.9" }), node()));
  t.like(report, { outcome: "failed", steps: [] });
  t.is(report.issues.length, 2);
  t.deepEqual(engine.documents, []);
  t.deepEqual(host.kernel.link, []);
});

test("what the kernel or the process could not hold is refused by number before anything is done", async (t) => {
  const { engine, host } = await world(t, (fresh) => (fresh.limits = { descriptors: 8 }));
  const two = [resource("a"), resource("b", { subnet: "10.10.2.0/24" })];
  t.is((await engine.apply(files(...two))).outcome, "changed");
  const report = await engine.apply(files(resource("c", { subnet: "10.10.3.0/24" })));
  t.regex(report.issues[0]?.message ?? "", /^3 namespaces need 9 open files, and this process may have 8/u);
  t.deepEqual(report.steps, []);
  t.is(host.kernel.netns.length, 2);
});

test("firewalls of others are obstacles once there is traffic, and a plan warns of them", async (t) => {
  const { engine, host } = await world(t);
  const chain = {
    netns: "",
    family: "ip",
    table: "filter",
    chain: "FORWARD",
    hook: "forward",
    policy: "drop",
  } as const;
  host.firewallFacts = { ...host.firewallFacts, chains: [chain] };
  t.deepEqual(await engine.obstacles(), []);
  t.regex((await engine.plan(files(lab))).warnings.join(), /nft chain ip filter FORWARD/u);
  await engine.apply(files(lab));
  t.is((await engine.obstacles()).length, 1);
  host.firewalls = () => Promise.reject(new Error("no nftables"));
  t.deepEqual((await engine.plan(files(lab))).warnings, ["cannot see the firewalls of others: no nftables"]);
});

test("WireGuard starts when the time server has answered, and is not stopped when it is lost", async (t) => {
  const { engine, host, state } = await world(
    t,
    (fresh) => {
      fresh.nicFacts = [nic("eth0")];
      fresh.leaseFacts = [lease("eth0", { ntp: ["192.0.2.4"], expiresAt: uptime() + 3600 })];
      fresh.kernel = { ...fresh.kernel, link: [physicalNic("eth0", 2)] };
    },
    true,
  );
  const tunnels = (): number => host.kernel.wireguard.length;
  const seen = async (synchronised: boolean): Promise<void> => {
    host.clockFact = { synchronised };
    host.event({ topics: new Set(["clock"]) });
    await engine.nextPass(never);
  };
  await engine.apply(files(resource("demo", { wireguard: { listenPort: 51820, peers: [] } })));
  t.is(tunnels(), 0);
  t.true(host.kernel.netns.some(({ name }) => name === "ndemo"));
  const compiled = engine.view.compiled;
  const waiting = compiled === null ? [] : state.waiting(compiled, []);
  t.deepEqual(
    waiting.map(({ for: what }) => what),
    ["the time from 192.0.2.4, before WireGuard starts"],
  );
  await seen(true);
  t.is(tunnels(), 1);
  await seen(false);
  t.is(tunnels(), 1);
});
