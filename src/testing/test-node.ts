import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { request, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import type { ExecutionContext } from "ava";
import type { Status } from "../model/report.ts";
import { removeCgroup } from "../host/supervisor/cgroup.ts";
import { shortHash } from "../lib/hash.ts";
import { Client } from "../sdk/client.ts";
import { start, type Child, type Ended } from "./child.ts";
import { lookAtLinks } from "./look-at-links.ts";
import { Sandbox } from "./sandbox.ts";

const CGROUPS = "/sys/fs/cgroup/netloom";
const REPOSITORY = join(import.meta.dirname, "../..");

/** What Netloom runs as: its source under this Node, or the binary that ships. */
export interface Runtime {
  readonly title: string;
  readonly argv: readonly string[];
  /** What runs client commands where the daemon's program has none. */
  readonly client?: readonly string[];
}

export const SOURCE: Runtime = { title: "source", argv: [process.execPath, join(REPOSITORY, "src/main.ts")] };
export const BINARY: Runtime = { title: "binary", argv: [join(REPOSITORY, "dist/netloom")] };
/** A daemon that can be made to fail, and is told by its standard input which members come and go (src/testing/main.ts). */
export const TEST_BINARY: Runtime = {
  title: "test binary",
  argv: [join(REPOSITORY, "dist/netloom-test")],
  client: BINARY.argv,
};

export interface TestNodeOptions {
  /** The binary when absent: it ships, and starts in a fraction of the time. */
  readonly runtime?: Runtime;
  /** Files of the configuration directory by name. */
  readonly config?: Readonly<Record<string, string>>;
  readonly cmdline?: string;
  /** More words for the daemon, "--appliance". */
  readonly words?: readonly string[];
  /** How long a change to the uplink has until it is reverted. */
  readonly guardSeconds?: number;
  /** Another node whose named namespaces this one sees too. */
  readonly beside?: TestNode;
  /** Called before the daemon starts. */
  readonly prepare?: (node: TestNode) => Promise<void>;
}

/** A node under test: a sandbox with a daemon in it. */
export class TestNode {
  readonly sandbox: Sandbox;
  readonly client: Client;
  readonly root: string;
  readonly runtimeDir: string;
  readonly socket: string;
  readonly #options: TestNodeOptions;
  #daemon: Child | undefined;

  private constructor(sandbox: Sandbox, options: TestNodeOptions) {
    this.sandbox = sandbox;
    this.#options = options;
    this.root = join(sandbox.dir, "root");
    this.runtimeDir = join(sandbox.dir, "run");
    this.socket = join(sandbox.dir, "netloom.sock");
    this.client = new Client(this.socket);
  }

  /** A node whose daemon answers and has made its first pass. It ends with the test. */
  static async start(t: ExecutionContext, options: TestNodeOptions = {}): Promise<TestNode> {
    const sandbox = await Sandbox.open(options.beside?.sandbox);
    const node = new TestNode(sandbox, options);
    t.teardown(async () => {
      if (!t.passed) t.log(node.said());
      node.#daemon?.process.kill("SIGKILL");
      await sandbox[Symbol.asyncDispose]();
      // A process whose memory is gone is seen no more, and may still be in its group.
      for (const cgroup of await node.#cgroups()) await removeCgroup(cgroup);
    });
    await mkdir(join(sandbox.dir, "config"));
    for (const [name, text] of Object.entries(options.config ?? {}))
      await writeFile(join(sandbox.dir, "config", name), text);
    await options.prepare?.(node);
    await node.startDaemon();
    return node;
  }

  /** The words that start a daemon on this node; later ones win. */
  daemonArgv(...more: readonly string[]): readonly string[] {
    const { dir, scanDir } = this.sandbox;
    const { runtime = BINARY, cmdline = "quiet", guardSeconds = 50, words: own = [] } = this.#options;
    const places = { root: this.root, config: join(dir, "config"), socket: this.socket, runtime: this.runtimeDir };
    const words = Object.entries({ ...places, services: scanDir, cmdline, "guard-seconds": `${guardSeconds}` }).flatMap(
      ([key, value]) => [`--${key}`, value],
    );
    return [...this.sandbox.inside(), ...runtime.argv, "daemon", ...words, ...own, ...more];
  }

  /** Starts the daemon in a working directory and waits until it answers after its first pass. */
  async startDaemon(cwd: string = "/", more: readonly string[] = []): Promise<Status> {
    const inThere = ["env", `--chdir=${cwd}`];
    const enter = this.sandbox.inside();
    const argv = [...enter, ...inThere, ...this.daemonArgv(...more).slice(enter.length)];
    const daemon = start(argv, { keepInput: true });
    this.#daemon = daemon;
    return await this.sandbox.until("the daemon's first pass", async () => {
      if (daemon.process.exitCode !== null) throw new Error(`the daemon ended: ${daemon.said()}`);
      const status = await this.client.status().catch(() => undefined);
      return status === undefined || status.reconciles.total === 0 ? undefined : status;
    });
  }

  /** Ends the daemon by a signal and waits for its end. */
  async stopDaemon(signal: NodeJS.Signals): Promise<Ended> {
    if (this.#daemon === undefined) throw new TypeError("no daemon runs");
    this.#daemon.process.kill(signal);
    return await this.#daemon.ended;
  }

  /** One request as it is, past the client's own checks. */
  async request(
    method: string,
    path: string,
    body: string,
  ): Promise<{ readonly status: number; readonly body: string }> {
    const call = request({
      socketPath: this.socket,
      agent: false,
      method,
      path,
      headers: { "content-length": Buffer.byteLength(body) },
    });
    call.end(body);
    const [response] = (await once(call, "response")) as [IncomingMessage];
    return { status: response.statusCode ?? 0, body: await textOf(response) };
  }

  /** Opens a connection, sends half a request and says no more. */
  async connect(): Promise<Socket> {
    const socket = connect(this.socket);
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write("GET /v1/status HTTP/1.1\r\n");
    return socket;
  }

  /** Says a line to the daemon's standard input. */
  tell(line: string): void {
    this.#daemon?.process.stdin?.write(`${line}\n`);
  }

  /** How the daemon ends, when it does. */
  get daemonEnd(): Promise<Ended> {
    if (this.#daemon === undefined) throw new TypeError("no daemon runs");
    return this.#daemon.ended;
  }

  /** What the daemon has printed. */
  said(): string {
    return this.#daemon?.said() ?? "";
  }

  /** Runs a client command as its user would. */
  netloom(words: readonly string[], input?: string): Promise<Ended> {
    const { runtime = BINARY } = this.#options;
    const options = { env: { NETLOOM_SOCKET: this.socket }, cwd: this.sandbox.dir };
    return start([...(runtime.client ?? runtime.argv), ...words], input === undefined ? options : { ...options, input })
      .ended;
  }

  /** `netloom apply -` */
  apply(yaml: string): Promise<Ended> {
    return this.netloom(["apply", "-"], yaml);
  }

  /** `netloom apply --confirm -`: kept, whatever becomes of the uplink. */
  applyConfirmed(yaml: string): Promise<Ended> {
    return this.netloom(["apply", "--confirm", "-"], yaml);
  }

  /** A link of the kernel as `ip -d -j` shows it, or undefined. */
  async links(netns?: string): Promise<readonly string[]> {
    const text = await this.sandbox.output(["ip", "-j", "link"], netns);
    return (JSON.parse(text) as readonly { readonly ifname: string }[]).map(({ ifname }) => ifname);
  }

  /** Everything that a document could leave behind; two snapshots of one state are equal. */
  async snapshot(): Promise<string> {
    const files = await this.#files();
    const kernel = await lookAtLinks(this.sandbox, SNAPSHOT);
    const parts = {
      processes: [...(await this.sandbox.processes()).values()],
      "control groups": await this.#cgroups(),
      files,
    };
    const sorted = (lines: readonly string[]): string => lines.toSorted((a, b) => (a < b ? -1 : 1)).join("\n");
    const lists = Object.entries(parts).map(([name, lines]) => `# ${name}\n${sorted(lines)}\n`);
    return `${kernel}${lists.join("")}`;
  }

  /** The files that the daemon made, its services included. One that is being written has another name, for as long as the disk takes. */
  #files(): Promise<readonly string[]> {
    const places = [this.root, this.runtimeDir, this.sandbox.scanDir, "/run/etc"];
    const words = "-name .s6-svscan -prune -o ! -type d -print".split(" ");
    return this.sandbox.until("the files that are being written", async () => {
      const files = (await this.sandbox.output(["find", ...places, ...words])).split("\n");
      return files.some((path) => path.endsWith(".tmp")) ? undefined : files;
    });
  }

  /** Control groups of this node's services. */
  async #cgroups(): Promise<readonly string[]> {
    const mark = `@${shortHash(join(this.runtimeDir, "services"), 8)}`;
    const names = await readdir(CGROUPS).catch(() => []);
    return names.filter((name) => name.endsWith(mark)).map((name) => join(CGROUPS, name));
  }
}

const SNAPSHOT = `
echo "# namespaces"; ip netns list
echo "# links"; ip -o link show | sed 's/^[0-9]*: //; s/ state .*//'
echo "# addresses"; ip -o address show | awk '{print $2, $3, $4}'
echo "# routes"; ip route show table all; ip -6 route show table all
echo "# policy"; ip rule; ip -6 rule
echo "# firewall"; nft list ruleset
`;
