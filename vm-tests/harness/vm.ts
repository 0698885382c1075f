import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { AgentClient } from "./agent-client.ts";
import type { ConsoleLog } from "./console-log.ts";
import { type Machine, agentFd, qemuArgv, qmpFd } from "./qemu.ts";
import { Qmp, type QmpEvent } from "./qmp.ts";

/**
 * Ends the process when this one dies, however it dies: setpriv(1), PR_SET_PDEATHSIG in prctl(2). The signal is for a death from then
 * on; whoever finds another parent by then was too late, and does not begin.
 */
const boundToUs: readonly string[] = [
  ...["setpriv", "--pdeathsig", "KILL", "--"],
  ...["sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"', String(process.pid)],
];

/** One QEMU process: its console, its machine protocol and the agent in its guest. */
export class Vm implements AsyncDisposable {
  readonly qmp: Qmp;
  readonly agent: AgentClient;
  /** Resolves when the process has ended, with how it did. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  #stderr = "";

  /** `onEarly` is called in the early stage of each boot, see `AgentClient`. */
  constructor(
    machine: Machine,
    console: ConsoleLog,
    onEvent: (event: QmpEvent) => void,
    onEarly?: (agent: AgentClient) => Promise<void>,
  ) {
    const [program = "", ...args] = [...boundToUs, ...qemuArgv(machine)];
    this.#child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"] });
    this.#child.stdout?.on("data", (chunk: Buffer) => console.push(chunk));
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-4000);
    });
    this.ended = this.#watch();
    // Descriptors above 2 that were asked for as "pipe" are connected socket pairs (libuv, uv_spawn).
    this.agent = new AgentClient(this.#child.stdio[agentFd] as Duplex, onEarly);
    this.qmp = new Qmp(this.#child.stdio[qmpFd] as Duplex, onEvent);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Cuts the power: nothing in the guest is told. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #watch(): Promise<string> {
    try {
      const [code, signal] = (await once(this.#child, "close")) as [number | null, string | null];
      const how = signal === null ? `ended with status ${code}` : `was ended by ${signal}`;
      const said = this.#stderr.trim();
      return `QEMU ${how}${said === "" ? "" : `: ${said}`}`;
    } catch (error) {
      return `QEMU did not start: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}
