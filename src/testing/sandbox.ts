import { mkdir, mkdtemp, open, readdir, readFile, readlink, rm, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../lib/async.ts";
import { output, run, start, type Child, type ChildOptions, type Ended } from "./child.ts";

/** Generous: it only matters when something is broken, and machines are slow under load. */
const WAIT_MS = 60_000;

/** An empty /run and nothing that dhcpcd keeps, and an /etc that can be written: what is written there ends with the sandbox. */
const OWN_PLACES = [
  "mount -t tmpfs -o mode=755 tmpfs /run",
  "mount -t tmpfs -o mode=755 tmpfs /var/lib/dhcpcd",
  "mkdir /run/netns /run/etc /run/etc.work",
  "mount -t overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/etc.work overlay /etc && ",
].join(" && ");

/**
 * A machine of its own as far as networks go: a fresh network namespace, a mount namespace with an empty /run (so that
 * named namespaces of others are not there) and an /etc of its own, and s6-svscan on an empty scan directory as its first process.
 * Disposing ends every process in it, whoever started it, and removes its files.
 */
export class Sandbox implements AsyncDisposable {
  readonly dir: string;
  readonly scanDir: string;
  readonly #first: Child;
  readonly #mounts: string;
  /** Open until the end: the number of a namespace that is gone is given to the next, whose processes are not ours to end. */
  readonly #held: FileHandle;

  private constructor(dir: string, first: Child, mounts: string, held: FileHandle) {
    this.dir = dir;
    this.#held = held;
    this.scanDir = join(dir, "service");
    this.#first = first;
    this.#mounts = mounts;
  }

  /** `beside` shares the other sandbox's mounts, and so its named namespaces. */
  static async open(beside?: Sandbox): Promise<Sandbox> {
    await using unless = new AsyncDisposableStack();
    const dir = await mkdtemp(join(tmpdir(), "netloom-test-"));
    unless.defer(() => rm(dir, { recursive: true, force: true }));
    const scanDir = join(dir, "service");
    await mkdir(scanDir);
    const mounts = beside === undefined ? ["--mount", "--propagation", "private"] : [];
    const prepare = beside === undefined ? OWN_PLACES : "";
    const script = `${prepare}ip link set lo up && exec s6-svscan "$1"`;
    const argv = ["unshare", "--net", ...mounts, "--", "sh", "-c", script, "sh", scanDir];
    const first = start(beside === undefined ? argv : [...beside.inside(), ...argv]);
    unless.defer(() => void first.process.kill("SIGKILL"));
    const ready = await until(
      async () => {
        if (first.process.exitCode !== null) throw new Error(`the sandbox ended at once: ${first.said()}`);
        const listens = (await run(["s6-svscanctl", "-a", scanDir])).code === 0;
        return listens ? await readlink(`/proc/${first.pid}/ns/mnt`) : undefined;
      },
      { timeoutMs: WAIT_MS, intervalMs: 10 },
    );
    if (ready === undefined) throw new Error(`s6-svscan did not start: ${first.said()}`);
    const held = await open(`/proc/${first.pid}/ns/mnt`);
    // From here on it is the sandbox that ends them.
    unless.move();
    return new Sandbox(dir, first, ready, held);
  }

  /** Words that run what follows in here, or in a named namespace of this machine. */
  inside(netns?: string): readonly string[] {
    const enter = ["nsenter", `--target=${this.#first.pid}`, "--net", "--mount", "--"];
    return netns === undefined ? enter : [...enter, "nsenter", `--net=/run/netns/${netns}`, "--"];
  }

  run(argv: readonly string[], options?: ChildOptions): Promise<Ended> {
    return run([...this.inside(), ...argv], options);
  }

  /** The output of a program that has to succeed. */
  output(argv: readonly string[], netns?: string): Promise<string> {
    return output([...this.inside(netns), ...argv]);
  }

  start(argv: readonly string[], netns?: string, options?: ChildOptions): Child {
    return start([...this.inside(netns), ...argv], options);
  }

  /** `ip` with the words of one line, which hold no quotes. */
  ip(line: string): Promise<string> {
    return this.output(["ip", ...line.split(" ")]);
  }

  /** A cable: a link `name` here whose other end is `eth0` in a new namespace, both up. `port` is a bridge to plug it into. */
  async cable(name: string, netns: string, port?: string): Promise<void> {
    const master = port === undefined ? "" : ` master ${port}`;
    await this.ip(`netns add ${netns}`);
    await this.ip(`link add ${name}${master} up type veth peer name eth0 netns ${netns}`);
    await this.ip(`-n ${netns} link set lo up`);
    await this.ip(`-n ${netns} link set eth0 up`);
  }

  /** Waits until `attempt` gives a value; the error says for what it waited in vain. */
  async until<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
    const value = await until(attempt, { timeoutMs: WAIT_MS, intervalMs: 25 });
    if (value === undefined) throw new Error(`waited ${WAIT_MS / 1000} s in vain for ${what}`);
    return value;
  }

  /** Processes in here, by pid, with their command lines; the first one and its helpers left out. */
  async processes(): Promise<ReadonlyMap<number, string>> {
    const found = new Map<number, string>();
    for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/u.test(name)).map(Number)) {
      const mounts = await readlink(`/proc/${pid}/ns/mnt`).catch(() => "");
      if (mounts !== this.#mounts || pid === this.#first.pid) continue;
      const line = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ").trim();
      if (line !== "") found.set(pid, line);
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The supervisor of supervisors first: it would start again what is ended.
    this.#first.process.kill("SIGKILL");
    await this.until("the sandbox's processes to end", async () => {
      const left = await this.processes();
      for (const pid of left.keys()) kill(pid);
      return left.size === 0 ? true : undefined;
    });
    await this.#first.ended;
    await this.#held.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}
