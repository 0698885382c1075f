import type { Dirent } from "node:fs";
import { readdir, readlink, rm, rmdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "../../lib/async.ts";
import { readIfExists, writeFileAtomic } from "../../lib/atomic-file.ts";
import { NetloomError, errorCode, isGone } from "../../lib/errors.ts";
import { shortHash } from "../../lib/hash.ts";
import type { ActualProcess } from "../../model/actual.ts";
import type { ProcessSpec } from "../../model/kernel.ts";
import { exec, inNetns } from "../exec.ts";
import type { ServiceState } from "../host.ts";
import type { Supervisor } from "./index.ts";

/** Where every service has a cgroup of its own, so that nothing it started outlives it. */
const CGROUPS = "/sys/fs/cgroup/netloom";
/** The service directories of the daemon that the image runs; its cgroups have the plain names of the services. */
const USUAL_SERVICES = "/run/netloom/services";
/** How long a service may take to obey SIGTERM before it is killed, and its supervisor to end after that. */
const KILL_AFTER_MS = 3000;
const STOP_TIMEOUT_MS = 8000;
const START_TIMEOUT_MS = 2000;

/**
 * s6 (s6-svscan(8)): a service is a directory of ours, linked into the scan directory. Others in there are left alone.
 * A directory without its link is what a crash left of a service that was being made or removed.
 */
export class S6 implements Supervisor {
  readonly #scanDir: string;
  readonly #services: string;

  /** `services` holds our service directories; `scanDir` is the directory that s6-svscan watches. */
  constructor(scanDir: string, services: string) {
    this.#scanDir = scanDir;
    this.#services = services;
  }

  async list(): Promise<readonly ActualProcess[]> {
    const linked = await this.#linked();
    const made = await entries(this.#services);
    const names = new Set([...linked, ...made.filter((entry) => entry.isDirectory()).map((entry) => entry.name)]);
    return await Promise.all(
      [...names].map(async (name) => {
        const definition = await readIfExists(join(this.#services, name, "definition"));
        return { name, hash: linked.has(name) ? (definition?.trim() ?? null) : null };
      }),
    );
  }

  async set(spec: ProcessSpec, hash: string): Promise<void> {
    const directory = join(this.#services, spec.name);
    // First, so that a removal finds them although the document is gone by then.
    const files = [...spec.files.map((file) => file.path), ...spec.writes];
    await writeFileAtomic(join(directory, "files"), files.map((path) => `${path}\n`).join(""));
    for (const file of spec.files)
      await writeFileAtomic(file.path, file.content, file.executable === true ? 0o755 : 0o644);
    await writeFileAtomic(join(directory, "run"), runScript(spec, this.#cgroup(spec.name)), 0o755);
    await writeFileAtomic(join(directory, "finish"), finishScript(this.#cgroup(spec.name)), 0o755);
    await writeFileAtomic(join(directory, "timeout-kill"), `${KILL_AFTER_MS}\n`);
    const fresh = await this.#link(spec.name, directory);
    // A crash may have come between the link and the word to s6-svscan: then nobody supervises it yet.
    const restarted = !fresh && (await succeeds(["s6-svc", "-r", join(this.#scanDir, spec.name)]));
    if (!restarted) await this.#scan(spec.name);
    // Last, so that a crash before this line repeats the step.
    await writeFileAtomic(join(directory, "definition"), `${hash}\n`);
  }

  async remove(name: string, keep: readonly string[] = []): Promise<void> {
    const directory = join(this.#services, name);
    const files = (await readIfExists(join(directory, "files")))?.split("\n").filter((path) => path !== "") ?? [];
    if ((await this.#linked()).has(name)) {
      // Takes it down, waits for the end of its supervisor and removes the link (s6-svunlink(8)).
      await exec(["s6-svunlink", "-t", String(STOP_TIMEOUT_MS), this.#scanDir, name], "", 2 * STOP_TIMEOUT_MS);
    }
    await removeCgroup(this.#cgroup(name));
    for (const path of files) if (!keep.includes(path)) await rm(path, { force: true });
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }

  async states(): Promise<readonly ServiceState[]> {
    const names = await this.#linked();
    return await Promise.all(
      [...names].map(async (name) => {
        const { stdout } = await exec(["s6-svstat", "-o", "up,pid", join(this.#scanDir, name)]).catch(() => ({
          stdout: "false -1",
        }));
        const [up, pid] = stdout.trim().split(" ");
        return { name, up: up === "true", pid: up === "true" ? Number(pid) : null };
      }),
    );
  }

  /** Names of our services that are linked into the scan directory. */
  async #linked(): Promise<ReadonlySet<string>> {
    const links = (await entries(this.#scanDir)).filter((entry) => entry.isSymbolicLink());
    const targets = await Promise.all(
      links.map(async ({ name }) => ({ name, target: await readlink(join(this.#scanDir, name)).catch(() => "") })),
    );
    return new Set(targets.flatMap(({ name, target }) => (target === join(this.#services, name) ? [name] : [])));
  }

  /** Daemons side by side may have services of one name, and must not end each other's. */
  #cgroup(name: string): string {
    return join(CGROUPS, this.#services === USUAL_SERVICES ? name : `${name}@${shortHash(this.#services, 8)}`);
  }

  /** Links the service into the scan directory; false when it was there. */
  async #link(name: string, directory: string): Promise<boolean> {
    const link = join(this.#scanDir, name);
    try {
      await symlink(directory, link);
      return true;
    } catch (error) {
      if (errorCode(error) === "EEXIST" && (await readlink(link).catch(() => "")) === directory) return false;
      if (errorCode(error) === "EEXIST") {
        throw new NetloomError({
          code: "refused",
          op: "register service",
          target: name,
          why: `${link} exists and is not Netloom's`,
          hint: "rename the other service",
          cause: error,
        });
      }
      throw error;
    }
  }

  /** Has a link that is new looked at, and waits until its service is supervised. */
  async #scan(name: string): Promise<void> {
    const supervised = async (): Promise<true | undefined> => {
      await exec(["s6-svscanctl", "-a", this.#scanDir]);
      return (await succeeds(["s6-svok", join(this.#scanDir, name)])) ? true : undefined;
    };
    await until(supervised, { timeoutMs: START_TIMEOUT_MS, intervalMs: 20 }).catch((error: unknown) => {
      const why = error instanceof NetloomError ? error.why : String(error);
      throw new NetloomError({
        code: "unreachable",
        op: "tell s6-svscan of a change in",
        target: this.#scanDir,
        why,
        hint: `start it: s6-svscan ${this.#scanDir}`,
        cause: error,
      });
    });
  }
}

function runScript(spec: ProcessSpec, group: string): string {
  const cgroup = quote(group);
  const environment = [
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    ...Object.entries(spec.env).map(([key, value]) => `${key}=${value}`),
  ];
  const command = [...inNetns(spec.netns, ["env", "-i", ...environment, ...spec.argv])].map(quote).join(" ");
  return `#!/bin/sh
exec 2>&1
if mkdir -p ${cgroup} 2>/dev/null; then
  echo 1 2>/dev/null >${cgroup}/cgroup.kill
  echo $$ 2>/dev/null >${cgroup}/cgroup.procs
fi
exec ${command}
`;
}

/** Ends whatever the service left behind, also what called setsid or ignores signals (cgroup.kill, kernel cgroup-v2). */
function finishScript(cgroup: string): string {
  return `#!/bin/sh
echo 1 2>/dev/null >${quote(cgroup)}/cgroup.kill
exit 0
`;
}

/** Ends what is left in a cgroup and removes it; where there is no cgroup there is nothing to do. */
async function removeCgroup(cgroup: string): Promise<void> {
  await writeFile(join(cgroup, "cgroup.kill"), "1").catch(() => undefined);
  // It can go once the last process in it has been reaped.
  const removed = await until(
    async () =>
      await rmdir(cgroup).then(
        () => true,
        (error: unknown) => (isGone(error) ? true : undefined),
      ),
    { timeoutMs: 2000, intervalMs: 10 },
  );
  if (removed === undefined)
    throw new NetloomError({
      code: "failed",
      op: "remove the control group",
      target: cgroup,
      why: "processes in it do not end",
      hint: `look at ${cgroup}/cgroup.procs`,
    });
}

async function entries(directory: string): Promise<readonly Dirent[]> {
  return await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (isGone(error)) return [];
    throw error;
  });
}

async function succeeds(argv: readonly string[]): Promise<boolean> {
  return await exec(argv).then(
    () => true,
    () => false,
  );
}

function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
