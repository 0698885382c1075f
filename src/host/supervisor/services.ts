import { fstatSync, readlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readIfExists, writeFileAtomic } from "../../lib/atomic-file.ts";
import { NetloomError } from "../../lib/errors.ts";
import type { ActualProcess } from "../../model/actual.ts";
import type { ProcessSpec } from "../../model/kernel.ts";
import { ONLINE_FLAG } from "../../model/online.ts";
import type { SupervisorKind } from "../../model/supervisor.ts";
import type { ServiceState } from "../host.ts";
import { cgroupOf, removeCgroup } from "./cgroup.ts";
import { directories } from "./directories.ts";
import type { Backend, Supervisor } from "./index.ts";
import { giveBack, keepLease } from "./lease.ts";
import { finishScript, runScript } from "./run-script.ts";

/**
 * Our services under any supervisor: `DIRECTORY/NAME` has the program `run`, its `definition` (a hash), and the list of `files` that
 * go with it. What a crash left of a service that was being made or removed is a directory that the supervisor does not keep.
 */
export class Services implements Supervisor {
  readonly #backend: Backend;
  readonly #directory: string;
  readonly #problems: readonly string[];
  readonly #output: string | undefined = ownOutput();

  /** `problems` is what went wrong before it was made. */
  constructor(directory: string, backend: Backend, problems: readonly string[]) {
    this.#directory = directory;
    this.#backend = backend;
    this.#problems = problems;
  }

  get kind(): SupervisorKind {
    return this.#backend.kind;
  }

  async list(): Promise<readonly ActualProcess[]> {
    const kept = await this.#backend.kept();
    const names = new Set([...kept, ...(await directories(this.#directory))]);
    return await Promise.all(
      [...names].map(async (name) => {
        const definition = await readIfExists(join(this.#directory, name, "definition"));
        return { name, hash: kept.has(name) ? (definition?.trim() ?? null) : null };
      }),
    );
  }

  async set(spec: ProcessSpec, hash: string): Promise<void> {
    const directory = join(this.#directory, spec.name);
    const cgroup = cgroupOf(this.#directory, spec.name);
    // Before anything changes, so that a change that was interrupted is not taken for what was there, should it be taken back.
    await rm(join(directory, "definition"), { force: true });
    // Next, so that a removal finds them although the document is gone by then.
    const files = [...spec.files.map((file) => file.path), ...spec.writes];
    await writeFileAtomic(join(directory, "files"), files.map((path) => `${path}\n`).join(""));
    await keepLease(directory, spec.lease);
    for (const file of spec.files)
      await writeFileAtomic(file.path, file.content, file.executable === true ? 0o755 : 0o644);
    const onlineFlag = join(dirname(this.#directory), ONLINE_FLAG);
    const run = runScript(spec, { directory, cgroup, onlineFlag, output: this.#output });
    await writeFileAtomic(join(directory, "run"), run, 0o755);
    await writeFileAtomic(join(directory, "finish"), finishScript(cgroup), 0o755);
    await this.#backend.start(spec.name);
    // Last, so that a crash before this line repeats the step.
    await writeFileAtomic(join(directory, "definition"), `${hash}\n`);
  }

  async remove(name: string, keep: readonly string[] = []): Promise<void> {
    const directory = join(this.#directory, name);
    const files = (await readIfExists(join(directory, "files")))?.split("\n").filter((path) => path !== "") ?? [];
    // First, so that a service that was half removed and is wanted again is set anew.
    await rm(join(directory, "definition"), { force: true });
    const held = await giveBack(directory, keep);
    await this.#backend.stop(name);
    await removeCgroup(cgroupOf(this.#directory, name));
    for (const path of [...files.filter((one) => !keep.includes(one)), ...held]) await rm(path, { force: true });
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }

  states(): Promise<readonly ServiceState[]> {
    return this.#backend.states();
  }

  problems(): readonly string[] {
    return [...this.#problems, ...this.#backend.problems()];
  }
}

/**
 * A named pipe that takes what this process says: the log of a machine of ours. Services say theirs there too, so that it holds all,
 * whatever their supervisor does with it.
 */
function ownOutput(): string | undefined {
  if (!fstatSync(1).isFIFO()) return undefined;
  const path = readlinkSync("/proc/self/fd/1");
  return path.startsWith("/") ? path : undefined;
}

/** Why a service is not registered: the supervisor has one of its name that somebody else made. */
export function nameTaken(name: string, why: string, cause?: unknown): NetloomError {
  return new NetloomError({
    code: "refused",
    op: "register service",
    target: name,
    why,
    hint: "rename the other service",
    cause,
  });
}
