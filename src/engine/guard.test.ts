import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { createLog } from "../lib/log.ts";
import { uptime } from "../lib/uptime.ts";
import { NO_FLAGS } from "../model/boot-flags.ts";
import type { Actual } from "../model/actual.ts";
import type { Document } from "../model/document.ts";
import { HOST } from "../model/kernel.ts";
import type { CheckResult } from "../model/guard.ts";
import type { SourceFile } from "../plan/parse-documents.ts";
import { lan, lease, nic, node, resource } from "../testing/builders.ts";
import { MemoryHost } from "../testing/memory-host.ts";
import { physicalNic } from "../testing/memory-kernel.ts";
import { settleUplink } from "../testing/settle.ts";
import { yaml } from "../testing/yaml.ts";
import { checkpointPath, readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { Allocations } from "./allocations.ts";
import { Engine } from "./engine.ts";
import { Guard } from "./guard.ts";
import { NodeState } from "./node-state.ts";
import { DocumentStore } from "./store.ts";

const NAME = "IPv4 gateway";

/** The gateway answers while up0 is below the bridge that has the default route. */
function gateway(kernel: Actual): readonly CheckResult[] {
  const route = kernel.route.some(({ to, dev }) => to === "0.0.0.0/0" && dev === "zos");
  const plugged = kernel.link.some(({ name, master }) => name === "up0" && master === "zos");
  const passed = route && plugged;
  return [{ name: NAME, passed, detail: `192.168.50.1 by zos ${passed ? "answers" : "does not answer"}` }];
}

interface World {
  readonly root: string;
  readonly host: MemoryHost;
  readonly store: DocumentStore;
  /** How often a process was started that reverts when the daemon dies. */
  readonly detached: () => number;
  readonly start: (seconds?: number) => Promise<Engine>;
}

/** A node that has its uplink up0, whose daemon can be started again and again. */
async function world(t: ExecutionContext): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), "netloom-guard-"));
  const host = new MemoryHost();
  host.nicFacts = [nic("up0")];
  host.kernel = { ...host.kernel, link: [{ ...physicalNic("up0", 2), up: true }] };
  host.leaseFacts = [lease("up0", { expiresAt: uptime() + 3600 })];
  host.checks = gateway;
  const store = new DocumentStore(join(root, "documents"));
  const log = createLog("silent");
  let started = 0;
  let first = true;
  let engine: Engine | undefined;
  const close = async (): Promise<void> => await engine?.[Symbol.asyncDispose]();
  t.teardown(async () => {
    await close();
    await rm(root, { recursive: true });
  });
  const start = async (seconds = 50): Promise<Engine> => {
    await close();
    await store.load();
    const state = await NodeState.open(root, root, () => undefined);
    const options = { root, host, store, log, seconds, startDetached: () => void (started += 1) };
    const { guard, problems } = await Guard.open(options);
    t.deepEqual(problems, []);
    const places = { runtimeDir: join(root, "run"), stateDir: root, appliance: false, flags: NO_FLAGS };
    const allocations = new Allocations(join(root, "allocations"));
    await allocations.load();
    engine = new Engine({ host, store, allocations, state, guard, log, ...places });
    await engine.start();
    // Later a change may be under way that takes it.
    if (first) await settleUplink(engine);
    first = false;
    return engine;
  };
  return { root, host, store, detached: () => started, start };
}

const files = (...documents: Document[]): readonly SourceFile[] => [{ name: "text", text: yaml(...documents) }];
const swallow = lan("lab", { cidr: "10.5.0.0/24", nics: ["up0"] });
const master = ({ kernel }: MemoryHost): string | null | undefined =>
  kernel.link.find(({ name }) => name === "up0")?.master;
const hasUplink = ({ kernel }: MemoryHost): boolean =>
  kernel.address.some(({ dev }) => dev === "zos") && kernel.route.some(({ dev }) => dev === "zos");

test("a change that cuts the node off is reverted at its deadline, its documents too, and says which check failed", async (t) => {
  const { root, host, store, detached, start } = await world(t);
  const engine = await start(1);
  await engine.apply(files(resource("demo")));
  const report = await engine.apply(files(swallow));
  t.is(report.outcome, "failed");
  t.deepEqual(report.failures.at(-1), {
    step: "apply Lan lab",
    message: "reverted: IPv4 gateway 192.168.50.1 by zos does not answer",
  });
  t.like(report.guard, { state: "reverted", uplinks: ["zos", "up0"], checks: [NAME], secondsLeft: 0 });
  t.is(master(host), "zos");
  t.true(hasUplink(host));
  t.deepEqual(
    store.all().map(({ document }) => document.name),
    ["demo"],
  );
  t.false(host.kernel.link.some(({ name }) => name === "l-lab"));
  t.is(await readCheckpoint(root), undefined);
  t.is(detached(), 1);
  // Whoever looks later learns it too, also from the next daemon, until the next change.
  const next = await start();
  t.like(next.guard, { change: "apply Lan lab", state: "reverted" });
  await next.apply(files(resource("demo")));
  t.is(next.guard, null);
});

test("the checkpoint is on the disk before anything is kept or done", async (t) => {
  const { root, host, store, start } = await world(t);
  const engine = await start(1);
  const seen: unknown[] = [];
  const execute = host.execute.bind(host);
  host.execute = async (steps) => {
    seen.push((await readFile(checkpointPath(root), "utf8").catch(() => "none")).includes("apply Lan lab"));
    return await execute(steps);
  };
  const put = store.put.bind(store);
  store.put = async (documents) => {
    seen.push((await readCheckpoint(root))?.change ?? "none");
    await put(documents);
  };
  await engine.apply(files(swallow));
  t.deepEqual(seen.slice(0, 2), ["apply Lan lab", true]);
});

test("an uplink that moves to another NIC, whose gateway answers, is confirmed by itself", async (t) => {
  const { root, host, detached, start } = await world(t);
  host.nicFacts = [nic("up0"), nic("up1")];
  host.kernel = { ...host.kernel, link: [...host.kernel.link, { ...physicalNic("up1", 3), up: true }] };
  host.checks = ({ route }) => {
    const dev = route.find(({ netns }) => netns === HOST)?.dev;
    return [{ name: NAME, passed: dev !== undefined, detail: `by ${dev ?? "nothing"}` }];
  };
  const engine = await start(3600);
  host.leaseFacts = [...host.leaseFacts, lease("up1", { expiresAt: uptime() + 3600 })];
  const applied = engine.apply(files(node({ uplink: { mode: "dhcp4", nics: ["up1"], ignore: [] } })));
  await settleUplink(engine, "up1");
  const report = await applied;
  t.like(report, { outcome: "changed", guard: { state: "confirmed", message: "IPv4 gateway by zos" } });
  t.is(await readCheckpoint(root), undefined);
  t.is(detached(), 1);
  t.like(await engine.apply(files(node({ uplink: { mode: "dhcp4", nics: ["up1"], ignore: [] } }))), { steps: [] });
});

test("what touches no uplink is not guarded, nor is a node whose gateway does not answer anyway", async (t) => {
  const { host, detached, start } = await world(t);
  const engine = await start(1);
  const observed = host.observed;
  t.is((await engine.apply(files(resource("demo"), lan("inner")))).guard, undefined);
  // A look, and one after the steps: the guard needs none.
  t.is(host.observed - observed, 2);
  host.checks = () => [{ name: NAME, passed: false, detail: "192.168.50.1 by zos does not answer" }];
  t.is((await engine.apply(files(swallow))).guard, undefined);
  t.is(master(host), "l-lab");
  t.is(detached(), 0);
});

test("plan says that a change touches the uplink, and writes nothing", async (t) => {
  const { root, start } = await world(t);
  const engine = await start();
  const { warnings } = await engine.plan(files(swallow));
  t.regex(warnings.join("\n"), /touches zos, up0, by which the node is reached/u);
  t.deepEqual((await engine.plan(files(resource("demo")))).warnings, []);
  t.is(await readCheckpoint(root), undefined);
});

test("a person keeps the change, and only one waits at a time", async (t) => {
  const { root, host, start } = await world(t);
  const engine = await start(3600);
  const answer = engine.apply(files(swallow));
  while (engine.guard?.message !== "IPv4 gateway 192.168.50.1 by zos does not answer")
    await new Promise((resolve) => setImmediate(resolve));
  t.like(engine.guard, { state: "waiting", change: "apply Lan lab" });
  await t.throwsAsync(engine.apply(files(resource("demo"))), {
    message: /^cannot apply NetworkResource demo: apply Lan lab waits for its connectivity check/u,
  });
  t.like(await engine.confirm(), { state: "confirmed", message: "confirmed by hand" });
  t.like(await answer, { outcome: "changed", guard: { state: "confirmed" } });
  t.is(master(host), "l-lab");
  t.is(await readCheckpoint(root), undefined);
  t.is(await engine.confirm(), null);
});

test("who confirms in the last moment is heard or refused: a change that was confirmed stays, one that is being reverted is not confirmed", async (t) => {
  const { root, host, store, start } = await world(t);
  const engine = await start(1);
  const { checks } = host;
  const asked: { confirm?: Promise<unknown> } = {};
  host.checks = (kernel) => {
    // It is asked for before the way back, and has not ended when that is begun.
    if (engine.guard?.secondsLeft === 0) asked.confirm ??= engine.confirm();
    return checks(kernel);
  };
  t.like((await engine.apply(files(swallow))).guard, { state: "confirmed" });
  t.is(await asked.confirm, engine.guard);
  await engine.plan([]);
  t.is(master(host), "l-lab");
  t.is(engine.documents.length, 1);
  t.like(engine.guard, { state: "confirmed" });

  await engine.delete("Lan", "lab");
  await settleUplink(engine);
  host.checks = checks;
  const remove = store.remove.bind(store);
  store.remove = async (document) => {
    asked.confirm = engine.confirm();
    await remove(document);
  };
  t.like((await engine.apply(files(swallow))).guard, { state: "reverted" });
  t.is(await asked.confirm, null);
  t.like(engine.guard, { state: "reverted" });
  t.is(master(host), "zos");
  t.is(await readCheckpoint(root), undefined);
});

test("with confirm a change is made unchecked, and a waiting one is kept", async (t) => {
  const { host, detached, start } = await world(t);
  const engine = await start(3600);
  t.is((await engine.apply(files(swallow), { confirm: true })).guard, undefined);
  t.is(master(host), "l-lab");
  t.is(detached(), 0);
});

test("a daemon that is killed leaves the decision to the next one, which reverts what is overdue before its first pass", async (t) => {
  const { root, host, store, start } = await world(t);
  const first = await start(3600);
  void first.apply(files(swallow));
  while (first.guard?.state !== "waiting" || master(host) !== "l-lab")
    await new Promise((resolve) => setImmediate(resolve));
  const checkpoint = await readCheckpoint(root);
  if (checkpoint === undefined) return t.fail("no checkpoint");
  await writeCheckpoint(root, { ...checkpoint, deadline: 1 });
  const next = await start();
  t.like(next.guard, { state: "reverted", message: "nobody confirmed it within its time" });
  t.is(master(host), "zos");
  t.true(hasUplink(host));
  t.deepEqual(store.all(), []);
  t.is(await readCheckpoint(root), undefined);
});

test("a node that was switched off before anyone confirmed comes up with the documents from before", async (t) => {
  const { root, host, store, start } = await world(t);
  const first = await start(3600);
  await first.apply(files(lan("lab", { cidr: "10.5.0.0/24" })));
  void first.apply(files(swallow));
  while (first.guard?.state !== "waiting") await new Promise((resolve) => setImmediate(resolve));
  const checkpoint = await readCheckpoint(root);
  if (checkpoint === undefined) return t.fail("no checkpoint");
  await writeCheckpoint(root, { ...checkpoint, bootId: "another boot" });
  const next = await start();
  t.regex(next.guard?.message ?? "", /before the node was restarted/u);
  t.deepEqual(
    store.all().map(({ document }) => document),
    [lan("lab", { cidr: "10.5.0.0/24" })],
  );
  t.is(master(host), "zos");
});

test("a daemon that is restarted in time goes on checking", async (t) => {
  const { host, start } = await world(t);
  const first = await start(3600);
  void first.apply(files(swallow));
  while (first.guard?.state !== "waiting") await new Promise((resolve) => setImmediate(resolve));
  const next = await start();
  t.like(next.guard, { state: "waiting", change: "apply Lan lab" });
  host.checks = () => [{ name: NAME, passed: true, detail: "192.168.50.1 by eth9 answers" }];
  while (next.guard?.state === "waiting") await new Promise((resolve) => setTimeout(resolve, 10));
  t.like(next.guard, { state: "confirmed", message: "IPv4 gateway 192.168.50.1 by eth9 answers" });
  t.is(master(host), "l-lab");
});

test("a change whose documents cannot be kept leaves no checkpoint", async (t) => {
  const { root, store, start } = await world(t);
  const engine = await start();
  store.put = () => Promise.reject(new Error("disk full"));
  await t.throwsAsync(engine.apply(files(swallow)), { message: "disk full" });
  t.is(await readCheckpoint(root), undefined);
  t.is(engine.guard, null);
});

test("a damaged checkpoint is set aside with a word", async (t) => {
  const { root, host, store } = await world(t);
  await writeFile(checkpointPath(root), "change: 7\n");
  const options = { root, host, store, log: createLog("silent"), seconds: 50, startDetached: () => undefined };
  const { problems } = await Guard.open(options);
  t.regex(problems.join("\n"), /^set aside \S+checkpoint\.yaml as \S+checkpoint\.yaml\.damaged: \S+: change /u);
  t.is(await readCheckpoint(root), undefined);
});
