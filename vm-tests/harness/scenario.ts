import { availableParallelism, loadavg } from "node:os";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import { repository } from "../../scripts/lib/repository.ts";
import { describeAccelerator, describeSpeed } from "./accel.ts";
import { Lab, type LabOptions } from "./lab.ts";
import type { LabNode } from "./node.ts";
import { type ScenarioReport, writeReport } from "./report.ts";
import { type RunSettings, runSettings } from "./run-settings.ts";
import { type Failure, gatherFailure, summaryOfFailure } from "./scenario-failure.ts";
import { type Group, type ScenarioEntry, entryOf } from "./scenario-list.ts";
import { keepLab } from "../lab/keep.ts";
import { labOptions } from "./test-lab.ts";
import { Timeline } from "./timeline.ts";
import { Deadline, hasteNow, timeoutFactor } from "./timeout.ts";
import type { TopologyDeclaration } from "./topology-schema.ts";

export type ScenarioOptions = {
  /** "smoke" is part of `npm test`. It comes first and is a literal: the runner reads it from the text of the file. */
  readonly group: Group;
  /** The lab to start, or what makes it out of the directory for artifacts; without one the scenario starts its own. */
  readonly topology?:
    | TopologyDeclaration
    | ((artifacts: string, options: LabOptions) => TopologyDeclaration | Promise<TopologyDeclaration>);
  /** Nodes to boot before the body; all of them unless told. */
  readonly boot?: readonly string[];
  /** Milliseconds for all of it, scaled like every timeout; 300,000 unless told. */
  readonly timeoutMs?: number;
  readonly bootTimeoutMs?: number;
  /** Console lines that this scenario provokes on purpose, on any node. */
  readonly expectedOnConsole?: readonly RegExp[];
};

export type ScenarioContext = {
  /** AVA's assertions and log. */
  readonly t: ExecutionContext;
  /** The lab of `topology`. @throws when there was none. */
  readonly lab: Lab;
  /** A node of it. @throws when there is none of that name. */
  readonly node: (name: string) => LabNode;
  /** Runs a step that the report shows with its seconds; a text that it returns says what was seen. */
  readonly step: <T>(name: string, work: () => Promise<T> | T) => Promise<T>;
  /** Starts another lab, which ends with the scenario; its artifacts are in the same directory unless told. */
  readonly startLab: (topology: TopologyDeclaration, options?: Partial<LabOptions>) => Promise<Lab>;
  /** What labs of this scenario start with, for a process of its own. */
  readonly options: LabOptions;
  /** Ends the scenario here: this machine cannot show it, and why. It counts as skipped. */
  readonly skip: (reason: string) => never;
};

/** Thrown by `skip`. */
class Skip extends Error {}

/**
 * Declares a scenario: a lab, a body that proves something in it, and a report of both under dist/labs/NAME. It fails when the
 * body throws or takes too long, and also when a console shows what no healthy guest says. Scenarios of a file run one after
 * the other.
 */
export function scenario(
  title: string,
  options: ScenarioOptions,
  body: (context: ScenarioContext) => Promise<void>,
): void {
  const file = relative(repository, fileURLToPath(test.meta.file));
  const entry = entryOf(file, title);
  const settings = runSettings(process.env);
  if (settings.only !== undefined && !settings.only.includes(entry.name)) return;
  test.serial(title, async (t) => {
    // Scenarios end by their own time, which leaves a report; this is for what hangs after that.
    t.timeout(2 ** 31 - 1);
    await runScenario(t, entry, options, settings, body);
  });
}

async function runScenario(
  t: ExecutionContext,
  entry: ScenarioEntry,
  { group, topology, boot, timeoutMs = 300_000, bootTimeoutMs, expectedOnConsole = [] }: ScenarioOptions,
  settings: RunSettings,
  body: (context: ScenarioContext) => Promise<void>,
): Promise<void> {
  const tell = (line: string): void => {
    t.log(line);
    if (settings.progress) process.stderr.write(`netloom: ${entry.name.padEnd(12)} ${line}\n`);
  };
  const timeline = new Timeline(tell);
  const started = new Date();
  const loadBefore = roundedLoad();
  const base: LabOptions = {
    ...(await labOptions(entry.name, settings.artifacts)),
    seed: settings.seed,
    log: tell,
    onEvent: (event) => timeline.note(event),
    ...(bootTimeoutMs === undefined ? {} : { bootTimeoutMs }),
  };
  await mkdir(base.artifacts, { recursive: true });
  const patience = timeoutFactor(hasteNow(base.accel.bootSeconds));
  tell(
    [describeAccelerator(base.accel), describeSpeed(base.accel), `load ${loadBefore[0]}, timeouts x ${patience}`].join(
      "; ",
    ),
  );

  await using owned = new AsyncDisposableStack();
  const labs: Lab[] = [];
  const startLab = async (wanted: TopologyDeclaration, own: Partial<LabOptions> = {}): Promise<Lab> => {
    // Nothing boots before the lab is known here, so that a failure of that can be looked into.
    const lab = owned.use(await Lab.start(wanted, { ...base, ...own, boot: [] }));
    labs.push(lab);
    await lab.boot(own.boot ?? Object.keys(wanted.nodes));
    return lab;
  };
  const ownLab = (): Lab => {
    const [lab] = labs;
    if (lab === undefined) throw new Error(`the scenario "${entry.title}" has no topology: startLab gives it a lab`);
    return lab;
  };
  const contextOf = (inner: ExecutionContext): ScenarioContext => ({
    t: inner,
    get lab() {
      return ownLab();
    },
    node: (name) => ownLab().node(name),
    step: (name, work) => timeline.step(name, work),
    startLab,
    options: base,
    skip: (reason) => {
      throw new Skip(reason);
    },
  });
  const prove = async (inner: ExecutionContext): Promise<void> => {
    if (topology !== undefined) {
      const wanted = typeof topology === "function" ? await topology(base.artifacts, base) : topology;
      await startLab(wanted, boot === undefined ? {} : { boot });
    }
    await body(contextOf(inner));
  };

  let outcome: ScenarioReport["outcome"] = "passed";
  let failure: Failure | undefined;
  let reason: string | undefined;
  let problem: unknown;
  // Of an assertion that failed AVA tells the values to the one who attempted it, not by what it throws.
  const attempt = await t.try(async (inner) => {
    inner.pass();
    using deadline = new Deadline(timeoutMs, () => timeoutFactor(hasteNow(base.accel.bootSeconds)));
    problem = await deadline.race(prove(inner)).then(
      () => undefined,
      (error: unknown) =>
        deadline.signal.aborted
          ? new Error(`the scenario did not end within ${deadline.waited}`, { cause: error })
          : error,
    );
  });
  problem = attempt.errors[0] ?? problem;
  try {
    if (problem !== undefined) {
      // What a console shows may be the reason: it is in the report, and hides nothing.
      await requireCalmConsoles(timeline, labs, expectedOnConsole).catch(() => {});
      throw problem;
    }
    await requireCalmConsoles(timeline, labs, expectedOnConsole);
  } catch (error) {
    if (error instanceof Skip) {
      [outcome, reason] = ["skipped", error.message];
    } else {
      [outcome, problem] = ["failed", error];
      timeline.explain(summaryOfFailure(error));
      failure = await gatherFailure({ error, labs, steps: timeline.steps, artifacts: base.artifacts });
    }
  }
  for (const lab of labs) await lab.flush().catch(() => {});
  const replay = `npm run lab -- test ${entry.file} --seed ${settings.seed}`;
  const report: ScenarioReport = {
    version: 2,
    scenario: entry.name,
    title: entry.title,
    file: entry.file,
    group,
    outcome,
    ...(reason === undefined ? {} : { reason }),
    ...(failure === undefined ? {} : { failure: { summary: failure.summary, text: failure.text } }),
    started: started.toISOString(),
    seconds: timeline.now,
    seed: settings.seed,
    replay,
    accelerator: base.accel,
    host: { cpus: availableParallelism(), loadBefore, loadAfter: roundedLoad(), patience },
    steps: [...timeline.steps],
    events: [...timeline.events],
    nodes: unique(labs.flatMap(({ nodes }) => nodes)).map(({ name, console }) => ({
      name,
      console: relative(base.artifacts, console.file),
    })),
    links: unique(labs.flatMap(({ links }) => links)).map(({ name, network, capture }) => ({
      name,
      network,
      capture: relative(base.artifacts, capture),
    })),
    files: ["topology.svg", "failure.txt"].filter((name) => existsSync(`${base.artifacts}/${name}`)),
  };
  await writeReport(base.artifacts, report);
  if (failure !== undefined) t.log(`${failure.text}\nrun it again: ${replay}`);
  const [toKeep] = labs;
  const wanted = failure !== undefined || settings.only?.length === 1;
  if (settings.keep !== undefined && toKeep !== undefined && wanted) await keepLab(toKeep, settings.keep, tell);
  attempt.commit();
  if (failure !== undefined) throw problem;
}

/** A panic, a segmentation fault or an out-of-memory kill fails the scenario, whatever else was proven. */
async function requireCalmConsoles(
  timeline: Timeline,
  labs: readonly Lab[],
  expected: readonly RegExp[],
): Promise<void> {
  if (labs.length === 0) return;
  await timeline.step("no console shows a crash, a kernel warning or a want of memory", () => {
    const findings = labs.flatMap((lab) =>
      lab.findings.map((finding) => ({ ...finding, from: lab.node(finding.node) })),
    );
    const [first, ...more] = findings.filter(({ line }) => !expected.some((pattern) => pattern.test(line)));
    if (first !== undefined) {
      const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
      throw first.from.failure(`${first.rule} on the console: ${first.line.trim()}${others}`);
    }
    const consoles = labs.flatMap(({ nodes }) => nodes).length;
    return `${consoles} ${consoles === 1 ? "console" : "consoles"}`;
  });
}

/** The first of each name: labs of one scenario share their files where their nodes share names. */
function unique<T extends { readonly name: string }>(items: readonly T[]): readonly T[] {
  return items.filter(({ name }, index) => items.findIndex((item) => item.name === name) === index);
}

function roundedLoad(): number[] {
  return loadavg().map((load) => Number(load.toFixed(2)));
}
