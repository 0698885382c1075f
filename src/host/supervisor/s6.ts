import { constants, type Dirent } from "node:fs";
import { open, readdir, readlink, symlink } from "node:fs/promises";
import { join } from "node:path";
import { until } from "../../lib/async.ts";
import { writeFileAtomic } from "../../lib/atomic-file.ts";
import { NetloomError, errorCode, isGone } from "../../lib/errors.ts";
import { exec } from "../exec.ts";
import type { ServiceState } from "../host.ts";
import { type Backend, KILL_AFTER_MS, STOP_TIMEOUT_MS } from "./index.ts";
import { nameTaken } from "./services.ts";

/** s6 (s6-svscan(8)): a service is a directory of ours, linked into the scan directory. Others in there are left alone. */
export class S6 implements Backend {
  readonly kind = "s6";
  readonly #scanDir: string;
  readonly #services: string;

  /** `services` holds our service directories; `scanDir` is the directory that s6-svscan watches. */
  constructor(scanDir: string, services: string) {
    this.#scanDir = scanDir;
    this.#services = services;
  }

  async kept(): Promise<ReadonlySet<string>> {
    const links = (await entries(this.#scanDir)).filter((entry) => entry.isSymbolicLink());
    const targets = await Promise.all(
      links.map(async ({ name }) => ({ name, target: await readlink(join(this.#scanDir, name)).catch(() => "") })),
    );
    return new Set(targets.flatMap(({ name, target }) => (target === join(this.#services, name) ? [name] : [])));
  }

  async start(name: string): Promise<void> {
    const directory = join(this.#services, name);
    await writeFileAtomic(join(directory, "timeout-kill"), `${KILL_AFTER_MS}\n`);
    const fresh = await this.#link(name, directory);
    // A crash may have come between the link and the word to s6-svscan: then nobody supervises it yet.
    if (fresh || !(await this.#restart(name))) await this.#scan(name);
  }

  async stop(name: string): Promise<void> {
    if (!(await this.kept()).has(name)) return;
    // Takes it down, waits for the end of its supervisor and removes the link (s6-svunlink(8)).
    await exec(["s6-svunlink", "-t", String(STOP_TIMEOUT_MS), this.#scanDir, name], "", 2 * STOP_TIMEOUT_MS);
  }

  async states(): Promise<readonly ServiceState[]> {
    const names = await this.kept();
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

  problems(): readonly string[] {
    return [];
  }

  /**
   * Down and up again: a plain restart (`-r`) would leave one alone that does not obey. False when nobody supervises it. Up also when
   * nothing was heard of its end in time: it was told to go down, and would stay there for ever.
   */
  async #restart(name: string): Promise<boolean> {
    const service = join(this.#scanDir, name);
    const down = ["s6-svc", "-wD", "-T", String(STOP_TIMEOUT_MS), "-d", service];
    await exec(down, "", 2 * STOP_TIMEOUT_MS).catch(() => undefined);
    return await succeeds(["s6-svc", "-u", service]);
  }

  /** Links the service into the scan directory; false when it was there. */
  async #link(name: string, directory: string): Promise<boolean> {
    const link = join(this.#scanDir, name);
    try {
      await symlink(directory, link);
      return true;
    } catch (error) {
      if (errorCode(error) === "EEXIST" && (await readlink(link).catch(() => "")) === directory) return false;
      throw errorCode(error) === "EEXIST" ? nameTaken(name, `${link} exists and is not Netloom's`, error) : error;
    }
  }

  /** Has a link that is new looked at, and waits until its service is supervised: one that never is does not run. */
  async #scan(name: string): Promise<void> {
    const supervised = async (): Promise<true | undefined> => {
      // Again each time: one that still buries an earlier service of that name overlooks the new one.
      await exec(["s6-svscanctl", "-a", this.#scanDir]);
      // What s6-svok(8) asks; starting it every time would cost more than what is waited for.
      return (await isRead(join(this.#scanDir, name, "supervise/control"))) ? true : undefined;
    };
    const taken = await until(supervised, { timeoutMs: STOP_TIMEOUT_MS, intervalMs: 20 }).catch((error: unknown) => {
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
    if (taken !== undefined) return;
    throw new NetloomError({
      code: "timeout",
      op: "start service",
      target: name,
      why: `s6-svscan has not taken it within ${STOP_TIMEOUT_MS / 1000} s`,
      hint: `see that s6-svscan ${this.#scanDir} runs and answers`,
    });
  }
}

/** True when s6-svscan watches a directory: then it has its control pipe open for reading (s6-svscanctl(8)). */
export async function isScanned(scanDir: string): Promise<boolean> {
  return await isRead(join(scanDir, ".s6-svscan/control"));
}

/** True when somebody has this pipe open for reading: only then it can be opened for writing without waiting (fifo(7)). */
async function isRead(path: string): Promise<boolean> {
  return await open(path, constants.O_WRONLY | constants.O_NONBLOCK).then(
    async (pipe) => {
      const { isFIFO } = await pipe.stat().then((stat) => ({ isFIFO: stat.isFIFO() }));
      await pipe.close();
      return isFIFO;
    },
    () => false,
  );
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
