import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { impairmentOf } from "./impairment.ts";
import type { LinkProperties } from "./link-properties.ts";
import type { PortCounters, PortSpec, SwitchEvent, SwitchReply, SwitchRequest } from "./switch-messages.ts";
import { Deadline, hasteNow, timeoutFactor } from "./timeout.ts";

/** Milliseconds that it may take to end in order, scaled like every timeout: a busy disk may be long at its captures. */
const endMs = 5000;

type Waiter = {
  readonly resolve: (reply: Extract<SwitchReply, { ok: true }>) => void;
  readonly reject: (error: Error) => void;
};

/** The switch process of one lab, seen from the lab. */
export class Switch implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #onEvent: (event: SwitchEvent) => void;
  readonly #waiting = new Map<number, Waiter>();
  #nextId = 1;
  #ended = false;

  /** `work` is a directory that the switch removes should it outlive the lab, as it does after a kill -9. */
  constructor(work: string, onEvent: (event: SwitchEvent) => void = () => {}) {
    this.#onEvent = onEvent;
    const program = fileURLToPath(new URL("switch-main.ts", import.meta.url));
    // The options of a test runner are not for this process.
    this.#child = fork(program, [work], {
      execArgv: [],
      serialization: "json",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child.on("message", (message) => this.#receive(message as SwitchReply | SwitchEvent));
    this.#child.on("error", (error) => this.#end(error.message));
    this.#child.on("exit", (code, signal) => this.#end(`it ended with ${signal ?? `status ${code}`}`));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Opens a port; QEMU can connect when this resolves. */
  async open(port: PortSpec): Promise<void> {
    await this.#ask({ op: "open", port });
  }

  /**
   * Sets what a link does from now on, instead of all that it did: for both directions and the carrier, or, where the
   * properties name a direction, for that one alone. Chance depends on nothing but the seed, the name of the link, the
   * direction, the number of settings before, and the frames.
   */
  async set(port: string, properties: LinkProperties, seed: number): Promise<void> {
    const { direction = "both", carrier = "up" } = properties;
    const impairment = impairmentOf(properties);
    const setting = {
      directions: direction === "both" ? (["from-guest", "to-guest"] as const) : [direction],
      seed,
      ...(direction === "both" ? { carrier } : {}),
      ...(impairment === undefined ? {} : { impairment }),
    };
    await this.#ask({ op: "set", port, setting });
  }

  /** Captures a link into one more file, from when this resolves until `stopCapture`. */
  async startCapture(port: string, file: string): Promise<void> {
    await this.#ask({ op: "startCapture", port, file });
  }

  /** Ends such a capture; the file is complete when this resolves. */
  async stopCapture(port: string, file: string): Promise<void> {
    await this.#ask({ op: "stopCapture", port, file });
  }

  async counters(port: string): Promise<PortCounters> {
    const { counters } = await this.#ask({ op: "counters", port });
    if (counters === undefined) throw new Error(`the switch gave no counters of port "${port}"`);
    return counters;
  }

  /** Resolves when every frame captured so far is in its file. */
  async flush(): Promise<void> {
    await this.#ask({ op: "flush" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    const exit = once(this.#child, "exit");
    // Captures are closed before the answer; a process that does not answer in time is ended all the same.
    using deadline = new Deadline(endMs, () => timeoutFactor(hasteNow()));
    deadline.signal.addEventListener("abort", () => this.#child.kill("SIGKILL"), { once: true });
    await this.#ask({ op: "stop" }).catch(() => {});
    if (this.#child.connected) this.#child.disconnect();
    await exit;
  }

  #ask(request: SwitchRequest): Promise<Extract<SwitchReply, { ok: true }>> {
    if (this.#ended) return Promise.reject(new Error(`switch ${request.op} failed: the switch process has ended`));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, ...request });
    });
  }

  #receive(message: SwitchReply | SwitchEvent): void {
    if ("event" in message) {
      this.#onEvent(message);
      return;
    }
    const waiter = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.ok) waiter?.resolve(message);
    else waiter?.reject(new Error(`switch: ${message.error}`));
  }

  #end(why: string): void {
    this.#ended = true;
    for (const { reject } of this.#waiting.values()) reject(new Error(`the switch process is gone: ${why}`));
    this.#waiting.clear();
  }
}
