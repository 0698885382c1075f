import { readFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { describeError } from "../../src/lib/errors.ts";
import { handBackOutputs, removeTree } from "../../scripts/lib/ownership.ts";
import { runWatched } from "../../scripts/lib/process.ts";
import { repository } from "../../scripts/lib/repository.ts";
import { parseTap } from "../../scripts/lib/tap.ts";
import { type Bind, toolboxCommand } from "../../scripts/lib/toolbox-enter.ts";
import { readReport } from "../harness/report.ts";
import { settingsEnvironment } from "../harness/run-settings.ts";
import type { ScenarioEntry } from "../harness/scenario-list.ts";
import type { LeftBehind, RawRun } from "./test-outcomes.ts";

/** What to run, and how. */
export type RunRequest = {
  readonly scenarios: readonly ScenarioEntry[];
  readonly seed: number;
  /** Each scenario has a directory in it; below the repository. */
  readonly artifacts: string;
  /** The directory of the image. */
  readonly image: string;
  /** Where a lab that is kept can be entered; none is kept without. */
  readonly keep?: string;
  /** Told of each scenario that has ended: "ok loss is what was asked for". */
  readonly onResult: (line: string) => void;
  /** Told of each step that has ended, and of whatever else is said. */
  readonly onProgress?: (line: string) => void;
};

const ava = join(repository, "node_modules/ava/entrypoints/cli.js");
/** Scenarios end by their own time; this is for one that hangs after that. AVA restarts it with every result. */
const silence = "30m";
const keptSilence = "168h";
const keptLines = 60;

/** Runs scenarios once, in the toolbox, and gives what they left. An interruption ends them and is told, not thrown. */
export async function runOnce(request: RunRequest): Promise<RawRun> {
  const { scenarios, seed, artifacts, image, keep, onResult, onProgress } = request;
  const directoryOf = ({ name }: ScenarioEntry): string => join(artifacts, name);
  // A report from before must not be taken for one of this run.
  for (const entry of scenarios) await removeTree(directoryOf(entry));
  const files = [...new Set(scenarios.map(({ file }) => file))];
  const binds: readonly Bind[] = keep === undefined ? [] : [{ from: keep }];
  const settings = {
    seed,
    artifacts,
    only: scenarios.map(({ name }) => name),
    progress: onProgress !== undefined,
    ...(keep === undefined ? {} : { keep }),
  };
  const env = { ...settingsEnvironment(settings), NETLOOM_IMAGE: image };
  const argv = await toolboxCommand(
    // While one lab waits for an answer another can boot; six machines are to fit into memory.
    ["node", ava, "--tap", `--concurrency=${keep === undefined && totalmem() >= 6e9 ? 2 : 1}`]
      .concat(`--timeout=${keep === undefined ? silence : keptSilence}`)
      .concat(files),
    { binds, env, rootless: true },
  );
  const started = new Date().toISOString();
  let tap = "";
  const said: string[] = [];
  const say = (line: string): void => {
    said.push(line);
    if (said.length > keptLines) said.shift();
  };
  const end = await runWatched(argv, {
    cwd: repository,
    env,
    onStdout: (line) => {
      tap += `${line}\n`;
      say(line);
      const result = /^(not )?ok \d+ - (.*)$/u.exec(line);
      if (result !== null) onResult(`${result[1] === undefined ? "ok" : "FAILED"} ${bareTitle(result[2] ?? "")}`);
    },
    onStderr: (line) => {
      say(line);
      onProgress?.(line);
    },
  });
  // Where it could not be entered without root, what was left is root's.
  await handBackOutputs();
  const found = await Promise.all(
    scenarios.map(async (entry) => [entry.name, await leftIn(directoryOf(entry), say)] as const),
  );
  const rest = { scenarios, seed, started, ...end, counts: parseTap(tap), said: said.join("\n") };
  return { ...rest, reports: new Map(found) };
}

/** A title without the name of its file, which AVA puts before it when there are several. */
function bareTitle(title: string): string {
  return title.replace(/^\S+\.vm › /u, "");
}

/** What a scenario left. A report that cannot be read is none, and it is told why. */
async function leftIn(directory: string, say: (line: string) => void): Promise<LeftBehind> {
  const report = await readReport(directory).catch((error: unknown) => say(describeError(error)));
  const picture = await readFile(join(directory, "topology.svg"), "utf8").catch(() => undefined);
  return { directory, ...(report === undefined ? {} : { report }), ...(picture === undefined ? {} : { picture }) };
}
