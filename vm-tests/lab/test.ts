import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ensureLabImage } from "../../scripts/lib/lab-image.ts";
import { say, shown } from "../../scripts/lib/progress.ts";
import { repository } from "../../scripts/lib/repository.ts";
import { countsText } from "../../scripts/lib/tap.ts";
import { type Group, type ScenarioEntry, listScenarios } from "../harness/scenario-list.ts";
import { type LabCommand, UsageError, parseWords, shownCommand } from "./command.ts";
import { claimName, ourselves, removeTraces, writeRecord } from "./places.ts";
import { type Quarantine, readQuarantine } from "./quarantine.ts";
import { testFileOf } from "./test-file.ts";
import { judge } from "./test-outcomes.ts";
import { addJobSummary, countsOf, machineText, thin, writeOutputs } from "./test-output.ts";
import { type RunRequest, runOnce } from "./test-run.ts";
import { ofGroup, ofShard, parseGroup, parseShard } from "./test-select.ts";
import { runSettings } from "../harness/run-settings.ts";
import { type RanScenario, type RunReport, tally } from "../harness/run-report.ts";

const usage =
  "test [FILE…] [--group smoke|full] [--repeat N] [--until-fail] [--shard m/n] [--seed S] [--keep] [--report DIR]";

const optionTypes = {
  group: "string",
  repeat: "string",
  "until-fail": "boolean",
  shard: "string",
  seed: "string",
  keep: "boolean",
  report: "string",
} as const;

/** Seconds that a group may take on two cores. */
const bars: Readonly<Record<Group, number>> = { smoke: 180, full: 1800 };

/** How often to run, and what differs each time. */
export type Plan = {
  readonly scenarios: readonly ScenarioEntry[];
  readonly firstSeed: number;
  /** The group when all of it is run, and nothing else. */
  readonly whole?: Group;
  /** Runs at most; there is no end to them when it is Infinity. */
  readonly runs: number;
  readonly untilFail: boolean;
  readonly keep: boolean;
  /** Where the reports go. */
  readonly directory: string;
};

/** Runs scenarios and reports on them. */
export const testCommand: LabCommand = {
  words: usage.replace("test ", ""),
  what: "run scenarios: all of them, or those of files, of a group or of a shard; reports are in dist/labs",
  example: "test --group smoke",
  run: async (words) => {
    const plan = await planOf(words);
    const image = await ensureLabImage();
    const alone = plan.keep || (plan.scenarios.length === 1 && plan.runs === 1);
    const run = await runPlan(plan, image, shownCommand(`test ${words.join(" ")}`.trim()), {
      onResult: (line) => say("scenario", line),
      ...(alone ? { onProgress: (line: string) => void process.stdout.write(`${line}\n`) } : {}),
    });
    say("machine", machineText(run));
    if (plan.whole !== undefined && plan.runs === 1)
      say(
        "time",
        `${plan.whole} took ${Math.round(run.seconds)} s; the bar is ${bars[plan.whole]} s on two cores at rest`,
      );
    say("report", shown(join(plan.directory, "index.html")));
    process.stdout.write(countsText(countsOf(run)));
    return tally(run).failed === 0 ? 0 : 1;
  },
};

/** What a command line asks for. @throws UsageError when it makes no sense or means no scenario. */
export async function planOf(given: readonly string[]): Promise<Plan> {
  const { options, words } = parseWords(given, optionTypes, [0, Infinity], usage);
  const all = await listScenarios(words.length > 0 ? words.map(testFileOf) : undefined);
  const group = parseGroup(options.group ?? "full");
  const grouped = ofGroup(all, group);
  const scenarios = options.shard === undefined ? grouped : ofShard(grouped, parseShard(options.shard));
  if (scenarios.length === 0) throw new UsageError(`there is nothing to run: ${usage}`);
  const untilFail = options["until-fail"] === true;
  if (options.keep === true && (untilFail || options.repeat !== undefined))
    throw new UsageError("--keep is for one run: it goes neither with --repeat nor with --until-fail");
  return {
    scenarios,
    ...(words.length === 0 && options.shard === undefined ? { whole: group } : {}),
    firstSeed: numberOf("seed", options.seed ?? "1", 0),
    runs: options.repeat === undefined ? (untilFail ? Infinity : 1) : numberOf("repeat", options.repeat, 1),
    untilFail,
    keep: options.keep === true,
    directory: resolve(options.report ?? artifactsRoot()),
  };
}

/** Runs a plan and writes its reports. Of runs that are repeated only failures keep their artifacts. */
export async function runPlan(
  plan: Plan,
  image: string,
  command: string,
  watch: Pick<RunRequest, "onResult" | "onProgress">,
): Promise<RunReport> {
  const began = performance.now();
  const started = new Date().toISOString();
  const quarantine = await todaysQuarantine();
  const scenarios: RanScenario[] = [];
  const problems = new Set(quarantine.problems);
  const root = artifactsRoot();
  for (let index = 0; index < plan.runs; index += 1) {
    const seed = plan.firstSeed + index;
    if (plan.runs > 1) say("run", `${index + 1}${plan.runs === Infinity ? "" : ` of ${plan.runs}`}, seed ${seed}`);
    const raw = await withPlaceToEnter(plan.keep, async (keep) =>
      runOnce({
        scenarios: plan.scenarios,
        seed,
        image,
        artifacts: plan.runs > 1 ? join(root, `seed-${seed}`) : root,
        ...(keep === undefined ? {} : { keep }),
        ...watch,
      }),
    );
    const judged = judge(raw, quarantine.active);
    for (const problem of judged.problems) problems.add(problem);
    const isFailed = ({ report }: RanScenario): boolean => report.outcome === "failed";
    for (const ran of judged.scenarios) scenarios.push(plan.runs > 1 && !isFailed(ran) ? await thin(ran) : ran);
    if (raw.interrupted || (plan.untilFail && (judged.problems.length > 0 || judged.scenarios.some(isFailed)))) break;
  }
  const seconds = Number(((performance.now() - began) / 1000).toFixed(2));
  const run: RunReport = { command, started, seconds, scenarios, problems: [...problems] };
  await writeOutputs(run, plan.directory);
  const summary = process.env["GITHUB_STEP_SUMMARY"];
  if (summary !== undefined && summary !== "") await addJobSummary(run, summary);
  return run;
}

/** dist/labs, unless the environment says otherwise, as it does for a run inside of a scenario. */
function artifactsRoot(): string {
  return runSettings(process.env).artifacts;
}

/** The quarantine list as of today, in UTC. */
async function todaysQuarantine(): Promise<Quarantine> {
  const text = await readFile(join(repository, "vm-tests/quarantine.yaml"), "utf8");
  const names = (await listScenarios()).map(({ name }) => name);
  return readQuarantine(text, names, new Date().toISOString().slice(0, 10));
}

/** Makes a directory where a lab that is kept can be entered, and removes it at the end. */
async function withPlaceToEnter<T>(keep: boolean, work: (directory?: string) => Promise<T>): Promise<T> {
  if (!keep) return await work();
  const directory = await claimName("kept");
  try {
    const artifacts = artifactsRoot();
    const record = { name: "kept", file: "a scenario", artifacts, started: new Date().toISOString() };
    await writeRecord(directory, { ...record, run: await ourselves() });
    return await work(directory);
  } finally {
    await removeTraces(directory);
  }
}

function numberOf(option: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`--${option} "${text}": it takes a whole number from ${least} on`);
}
