import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { bootId } from "../lib/uptime.ts";
import { compile } from "../plan/compile.ts";
import { facts, nic } from "../testing/builders.ts";
import { NodeState } from "./node-state.ts";

async function opened(
  t: ExecutionContext,
  kept: unknown,
): Promise<{ readonly state: NodeState; readonly path: string }> {
  const root = await mkdtemp(join(tmpdir(), "netloom-test-"));
  t.teardown(() => rm(root, { recursive: true }));
  const path = join(root, "node.json");
  await writeFile(path, JSON.stringify(kept));
  return { state: await NodeState.open(root, root, () => undefined), path };
}

const whole = {
  bootId: bootId(),
  uplink: "eth1",
  onlineAt: 7,
  choice: { uplink: "eth1", uplinkLost: null, since: { eth1: 5 }, over: {}, placed: {}, beside: [] },
  answers: { eth1: { gateway4: { name: "IPv4 gateway", passed: true, detail: "answers" }, checks: [], answeredAt: 6 } },
  decision: [{ nic: "eth1", mac: "52:54:00:00:00:01", chosen: true, reasons: [], had: {} }],
  facts: { nics: [] },
  clock: { since: 3, passed: true },
};

test("what was decided in this boot holds for the next daemon; of an earlier boot the uplink alone", async (t) => {
  const { state } = await opened(t, whole);
  t.deepEqual(state.problems, []);
  t.deepEqual(state.remembered, { memory: whole.choice, lastUplink: "eth1", clock: whole.clock });
  const { state: later } = await opened(t, { ...whole, bootId: "another" });
  t.deepEqual(later.remembered, {
    memory: { uplink: null, uplinkLost: null, since: {}, over: {}, placed: {}, beside: [] },
    lastUplink: "eth1",
    clock: {},
  });
  t.is(later.onlineAt, null);
});

const damaged: Readonly<Record<string, unknown>> = {
  "a choice without times": { ...whole, choice: { uplink: "eth1" } },
  "times that are no numbers": { ...whole, choice: { ...whole.choice, since: { eth1: "5" } } },
  "an uplink that is no name": { ...whole, uplink: 5 },
  "answers that are text": { ...whole, answers: "eth1" },
  "an answer that is none": { ...whole, answers: { eth1: null } },
  "a decision that is no list": { ...whole, decision: {} },
  "facts without NICs": { ...whole, facts: {} },
  "a clock that is text": { ...whole, clock: "right" },
  "nothing of ours": [1, 2],
};

for (const [what, kept] of Object.entries(damaged)) {
  test(`${what}: set aside with a word, and the choice is made anew`, async (t) => {
    const { state, path } = await opened(t, kept);
    t.deepEqual(state.problems, [
      `set aside ${path} as ${path}.damaged: it is not what Netloom writes; the uplink is chosen anew`,
    ]);
    t.deepEqual(state.remembered, {
      memory: { uplink: null, uplinkLost: null, since: {}, over: {}, placed: {}, beside: [] },
      lastUplink: null,
      clock: {},
    });
    t.deepEqual(JSON.parse(await readFile(`${path}.damaged`, "utf8")), kept);
  });
}

test("a pass that finds what the one before found writes nothing, however late it is", async (t) => {
  const { state, path } = await opened(t, whole);
  const pass = async (now: number, ...names: readonly string[]): Promise<bigint> => {
    const seen = facts({ now, nics: names.map((name) => nic(name, { carrier: false })) });
    await state.update(compile([], seen), { facts: seen, open: [], answers: {} });
    return (await stat(path, { bigint: true })).ino;
  };
  const first = await pass(10, "eth0");
  t.is(await pass(20, "eth0"), first);
  t.is(state.facts.now, 20);
  t.not(await pass(30, "eth0", "eth1"), first);
  t.like(JSON.parse(await readFile(path, "utf8")), { facts: { now: 30 } });
});
