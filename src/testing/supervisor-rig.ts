import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, open, readdir, readFile, readlink, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cgroupOf } from "../host/supervisor/cgroup.ts";
import { isScanned } from "../host/supervisor/s6.ts";
import { isZinitLine } from "../host/supervisor/zinit-line.ts";
import { isZinit } from "../host/supervisor/zinit.ts";
import { until } from "../lib/async.ts";
import type { ProcessSpec } from "../model/kernel.ts";
import type { SupervisorKind } from "../model/supervisor.ts";
import { LineChild } from "./line-child.ts";
import type { SupervisorAnswer, SupervisorRequest } from "./supervisor-command.ts";

/** Generous: it only matters when something is broken. */
const WAIT_MS = 60_000;
const ROOT = join(import.meta.dirname, "../..");

/**
 * A supervisor that somebody starts again whenever it ends, as the init of a machine does, and a daemon that has its services kept by
 * it. Disposing ends all of them.
 */
export class SupervisorRig implements AsyncDisposable {
  readonly dir: string;
  readonly kind: SupervisorKind;
  readonly #wish: SupervisorKind | undefined;
  #server: ChildProcess | undefined;
  #daemon: LineChild | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #closing = false;

  private constructor(dir: string, kind: SupervisorKind, wish: SupervisorKind | undefined) {
    this.dir = dir;
    this.kind = kind;
    this.#wish = wish;
  }

  /** `wish` is what the daemon is told to use; it looks for one without. */
  static async open(kind: SupervisorKind, wish?: SupervisorKind): Promise<SupervisorRig> {
    const dir = await mkdtemp(join(tmpdir(), `netloom-${kind}-`));
    const rig = new SupervisorRig(dir, kind, wish);
    for (const name of ["run", "scan", "units"]) await mkdir(join(dir, name));
    await rig.respawn();
    await rig.startDaemon();
    return rig;
  }

  get services(): string {
    return join(this.dir, "run/services");
  }

  get socket(): string {
    return join(this.dir, "zinit.sock");
  }

  /** The process id of the supervisor; 0 when the daemon is it. */
  get server(): number {
    return this.#server?.pid ?? 0;
  }

  /** Starts the supervisor, and again whenever it ends. */
  async respawn(): Promise<void> {
    const [program, ...words] = this.#argv();
    if (program === undefined || this.#closing) return;
    if (this.kind === "s6") await this.#killHelpers();
    // A file, because what a killed one leaves behind would hold a pipe open.
    const log = await open(this.#log, "a");
    const server = spawn(program, words, { cwd: "/", stdio: ["ignore", log.fd, log.fd] });
    this.#ended = once(server, "exit").then(() => this.respawn());
    this.#server = server;
    await log.close();
    // As image/mkosi.extra/usr/libexec/netloom/supervise does.
    await writeFile(join(this.dir, "run/zinit.pid"), `${server.pid}\n`);
  }

  /** Kills the supervisor, or the daemon that is it, and waits for the next one. */
  async killSupervisor(): Promise<void> {
    if (this.kind === "direct") return await this.killDaemon();
    const before = this.server;
    process.kill(before, "SIGKILL");
    await this.until("another supervisor", () => Promise.resolve(this.server === before ? undefined : true));
  }

  /** Kills the daemon and starts another. */
  async killDaemon(): Promise<void> {
    await this.#daemon?.kill("SIGKILL");
    await this.startDaemon();
  }

  /** Ends the daemon as its supervisor would, and starts another. */
  async restartDaemon(): Promise<SupervisorAnswer> {
    await this.#daemon?.[Symbol.asyncDispose]();
    return await this.startDaemon();
  }

  /** Has s6-svscan watch the scan directory beside what there is. */
  async watch(): Promise<AsyncDisposable> {
    const scan = join(this.dir, "scan");
    const server = spawn("s6-svscan", [scan], { cwd: "/", stdio: "ignore" });
    await this.until("a scan", () => whenTrue(isScanned(scan)));
    return {
      [Symbol.asyncDispose]: async () => {
        server.kill("SIGTERM");
        await once(server, "exit");
      },
    };
  }

  async startDaemon(): Promise<SupervisorAnswer> {
    const { dir, services, socket } = this;
    // It looks once for who there is, so what it finds must be able to answer.
    if (this.kind === "zinit") await this.until("zinit", () => whenTrue(isZinit(socket)));
    if (this.kind === "zinit-line") await this.until("zinit of old", () => whenTrue(isZinitLine(socket)));
    if (this.kind === "s6") await this.until("a scan", () => whenTrue(isScanned(join(dir, "scan"))));
    const places = {
      services,
      place: join(dir, "scan"),
      wish: this.#wish,
      sockets: [socket],
      units: join(dir, "units"),
    };
    const program = join(import.meta.dirname, "supervisor-command.ts");
    this.#daemon = new LineChild([process.execPath, program, JSON.stringify(places)]);
    return JSON.parse(await this.#daemon.next()) as SupervisorAnswer;
  }

  /** A request of a daemon that is killed before it answers. */
  send(request: SupervisorRequest): LineChild {
    if (this.#daemon === undefined) throw new TypeError("there is no daemon");
    this.#daemon.send(JSON.stringify(request));
    return this.#daemon;
  }

  async ask(request: SupervisorRequest): Promise<SupervisorAnswer> {
    return JSON.parse(await this.send(request).next()) as SupervisorAnswer;
  }

  /** A request until it does not fail, as the engine repeats its passes. */
  async do(request: SupervisorRequest): Promise<SupervisorAnswer> {
    return await this.until(JSON.stringify(request), async () => {
      const answer = await this.ask(request);
      return answer.failed === undefined ? answer : undefined;
    });
  }

  /** A service whose program is the text of a shell script. It can be told from all others by `mark`, its name in this rig. */
  service(name: string, script: string, more: Partial<ProcessSpec> = {}): ProcessSpec {
    const argv = ["sh", "-c", script, this.mark(name)];
    return { kind: "process", netns: "", name, argv, env: {}, files: [], writes: [], ...more };
  }

  mark(name: string): string {
    return `${name}@${this.dir}`;
  }

  /** The processes of a service, by their command lines. */
  async pids(name: string): Promise<readonly number[]> {
    const found: number[] = [];
    for (const pid of (await readdir("/proc")).filter((entry) => /^\d+$/u.test(entry))) {
      const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
      if (words.includes(this.mark(name)) && words[0] !== "env") found.push(Number(pid));
    }
    return found;
  }

  /** Waits until a service has exactly one process, and that the daemon sees; `not` is one that it must not be. */
  async alone(name: string, not: number = 0): Promise<number> {
    return await this.until(`one process of ${name}`, async () => {
      const { states } = await this.ask("look");
      const [pid, ...others] = await this.pids(name);
      const state = states.find((one) => one.name === name);
      return pid !== undefined && pid !== not && others.length === 0 && state?.pid === pid ? pid : undefined;
    });
  }

  async until<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
    const value = await until(attempt, { timeoutMs: WAIT_MS, intervalMs: 30 });
    if (value === undefined)
      throw new Error(`waited in vain for ${what}: ${await readFile(this.#log, "utf8").catch(() => "")}`);
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    const { list } = await this.ask("look");
    for (const { name } of list) await this.do({ remove: name });
    await this.#daemon?.[Symbol.asyncDispose]();
    this.#server?.kill(this.kind === "s6" ? "SIGTERM" : "SIGKILL");
    await this.#ended;
    for (const { name } of list) await rmdir(cgroupOf(this.services, name)).catch(() => undefined);
    await rm(this.dir, { recursive: true, force: true });
  }

  /** Those of an earlier s6-svscan hold the locks of their services: image/mkosi.extra/usr/libexec/netloom/supervise ends them too. */
  async #killHelpers(): Promise<void> {
    for (const pid of (await readdir("/proc")).filter((entry) => /^\d+$/u.test(entry))) {
      const name = (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
      const where = await readlink(`/proc/${pid}/cwd`).catch(() => "");
      if (name === "s6-supervise" && where.startsWith(`${this.dir}/`)) process.kill(Number(pid), "SIGKILL");
    }
  }

  get #log(): string {
    return join(this.dir, "log");
  }

  #argv(): readonly string[] {
    const { dir, socket } = this;
    if (this.kind === "s6") return ["s6-svscan", join(dir, "scan")];
    // Never --pid1-mode: it partitions disks.
    if (this.kind === "zinit") return [join(ROOT, "dist/zinit-server"), "-c", join(dir, "units"), "-s", socket];
    if (this.kind === "direct") return [];
    return [process.execPath, join(import.meta.dirname, "zinit-line-server.ts"), socket, join(dir, "units")];
  }
}

async function whenTrue(answer: Promise<boolean>): Promise<true | undefined> {
  return (await answer) ? true : undefined;
}
