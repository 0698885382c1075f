import { join } from "node:path";
import { repository } from "../../scripts/lib/repository.ts";

/** What the runner tells the scenarios of a run, by environment variables; the defaults are for AVA started by hand. */
export type RunSettings = {
  /** `NETLOOM_SEED`: decides MAC addresses and what links do to frames. 1 unless told. */
  readonly seed: number;
  /** `NETLOOM_KEEP`: the first lab that is to be looked at stays and is served in this directory, until somebody ends it. */
  readonly keep?: string;
  /** `NETLOOM_ARTIFACTS`: each scenario has a directory in it; dist/labs unless told. */
  readonly artifacts: string;
  /** `NETLOOM_SCENARIOS`: names of the scenarios to run; all of a file unless told. */
  readonly only: readonly string[] | undefined;
  /** `NETLOOM_PROGRESS`: steps are told on standard error as they end. */
  readonly progress: boolean;
};

/** Reads the settings. @throws when the seed is no number. */
export function runSettings(env: NodeJS.ProcessEnv): RunSettings {
  const seed = Number(env["NETLOOM_SEED"] ?? "1");
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new Error(`NETLOOM_SEED is "${env["NETLOOM_SEED"]}": a seed is a whole number from 0 on`);
  return {
    seed,
    ...(env["NETLOOM_KEEP"] === undefined ? {} : { keep: env["NETLOOM_KEEP"] }),
    artifacts: env["NETLOOM_ARTIFACTS"] ?? join(repository, "dist/labs"),
    only: env["NETLOOM_SCENARIOS"]?.split(","),
    progress: env["NETLOOM_PROGRESS"] === "1",
  };
}

/** The variables that say the same as some settings, for a process that is to follow them. */
export function settingsEnvironment(settings: Partial<RunSettings>): Record<string, string> {
  return {
    ...(settings.seed === undefined ? {} : { NETLOOM_SEED: String(settings.seed) }),
    ...(settings.keep === undefined ? {} : { NETLOOM_KEEP: settings.keep }),
    ...(settings.artifacts === undefined ? {} : { NETLOOM_ARTIFACTS: settings.artifacts }),
    ...(settings.only === undefined ? {} : { NETLOOM_SCENARIOS: settings.only.join(",") }),
    ...(settings.progress === true ? { NETLOOM_PROGRESS: "1" } : {}),
  };
}
