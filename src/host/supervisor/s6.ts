import { mkdir, readdir, readlink, rm, rmdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readIfExists, writeFileAtomic } from "../../lib/atomic-file.ts";
import { NetloomError, errorCode, isGone } from "../../lib/errors.ts";
import type { ActualProcess } from "../../model/actual.ts";
import type { ProcessSpec } from "../../model/kernel.ts";
import { exec, inNetns } from "../exec.ts";
import type { ServiceState } from "../host.ts";
import type { Supervisor } from "./index.ts";

/** Where every service has a cgroup of its own, so that nothing it started outlives it. */
const CGROUPS = "/sys/fs/cgroup/netloom";
const STOP_TIMEOUT_MS = 5000;

/**
 * s6 (s6-svscan(8)): a service is a directory of ours, linked into the scan directory.
 * The link is what marks a service as ours; others in the same scan directory are left alone.
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
    const names = await this.#names();
    return await Promise.all(
      names.map(async (name) => ({
        name,
        hash: (await readIfExists(join(this.#services, name, "definition")))?.trim() ?? null,
      })),
    );
  }

  async set(spec: ProcessSpec, hash: string): Promise<void> {
    for (const file of spec.files) {
      await mkdir(dirname(file.path), { recursive: true });
      await writeFileAtomic(file.path, file.content, file.executable === true ? 0o755 : 0o644);
    }
    const directory = join(this.#services, spec.name);
    await writeFileAtomic(join(directory, "run"), runScript(spec), 0o755);
    await writeFileAtomic(join(directory, "finish"), finishScript(spec.name), 0o755);
    // So that a removal finds them although the document is gone by then.
    const files = [...spec.files.map((file) => file.path), ...spec.writes];
    await writeFileAtomic(join(directory, "files"), files.map((path) => `${path}\n`).join(""));
    const started = await this.#link(spec.name, directory);
    if (started) await this.#scan("-a");
    else await exec(["s6-svc", "-r", join(this.#scanDir, spec.name)]);
    // Last, so that a crash before this line repeats the step.
    await writeFileAtomic(join(directory, "definition"), `${hash}\n`);
  }

  async remove(name: string): Promise<void> {
    const link = join(this.#scanDir, name);
    const directory = join(this.#services, name);
    const files = (await readIfExists(join(directory, "files")))?.split("\n").filter((path) => path !== "") ?? [];
    await exec(["s6-svc", "-wD", "-T", String(STOP_TIMEOUT_MS), "-d", link]).catch(() => undefined);
    await rm(link, { force: true });
    await this.#scan("-an");
    await removeCgroup(name);
    for (const path of files) await rm(path, { force: true });
    await rm(directory, { recursive: true, force: true });
  }

  async states(): Promise<readonly ServiceState[]> {
    const names = await this.#names();
    return await Promise.all(
      names.map(async (name) => {
        const { stdout } = await exec(["s6-svstat", "-o", "up,pid", join(this.#scanDir, name)]).catch(() => ({
          stdout: "false -1",
        }));
        const [up, pid] = stdout.trim().split(" ");
        return { name, up: up === "true", pid: up === "true" ? Number(pid) : null };
      }),
    );
  }

  async #names(): Promise<readonly string[]> {
    const entries = await readdir(this.#scanDir, { withFileTypes: true }).catch((error: unknown) => {
      if (isGone(error)) return [];
      throw error;
    });
    const links = entries.filter((entry) => entry.isSymbolicLink());
    const targets = await Promise.all(
      links.map(async (entry) => ({ name: entry.name, target: await readlink(join(this.#scanDir, entry.name)) })),
    );
    return targets.filter(({ name, target }) => target === join(this.#services, name)).map(({ name }) => name);
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

  async #scan(flags: string): Promise<void> {
    await exec(["s6-svscanctl", flags, this.#scanDir]).catch((error: unknown) => {
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

function runScript(spec: ProcessSpec): string {
  const cgroup = quote(join(CGROUPS, spec.name));
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
function finishScript(name: string): string {
  return `#!/bin/sh
echo 1 2>/dev/null >${quote(join(CGROUPS, name))}/cgroup.kill
exit 0
`;
}

/** A cgroup without processes goes by rmdir; `finish` has ended them. */
async function removeCgroup(name: string): Promise<void> {
  const cgroup = join(CGROUPS, name);
  await rmdir(cgroup).catch(() => undefined);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
