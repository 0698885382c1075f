import { randomBytes } from "node:crypto";
import { resolve as absolute } from "node:path";
import type { AgentClient, ExecOptions, ExecResult, GuestProgram, StartOptions } from "./agent-client.ts";
import type { Hello, Identity } from "./agent-messages.ts";
import { ConsoleLog } from "./console-log.ts";
import { kernelPanic } from "./console-rules.ts";
import type { LabEventKind, LabListener } from "./lab-event.ts";
import { type Evidence, LabError } from "./lab-error.ts";
import { type JournalEntry, type JournalOptions, readJournal } from "./node-journal.ts";
import { type Machine, nicId } from "./qemu.ts";
import type { QmpEvent } from "./qmp.ts";
import { leaveTemplate } from "./template-guest.ts";
import { type Template, loadTemplate } from "./template.ts";
import { Deadline } from "./timeout.ts";
import { orderEnd } from "./guest-order.ts";
import { layFiles } from "./guest-files.ts";
import type { GuestFiles } from "./topology.ts";
import { Vm } from "./vm.ts";

/** How long a program may run, and the rest of `ExecOptions`. */
export type RunOptions = Omit<ExecOptions, "signal"> & {
  /** Milliseconds on the reference machine, scaled by `timeoutFactor`; 60,000 unless told. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
};

type NodeInit = {
  readonly machine: Machine;
  readonly consoleFile: string;
  readonly captures: readonly string[];
  readonly expectedOnConsole: readonly RegExp[];
  readonly bootTimeoutMs: number;
  /** What every timeout is multiplied by at this moment: `timeoutFactor`. */
  readonly patience: () => number;
  /** Given to the guest in the early stage of each boot. */
  readonly identity: Identity;
  readonly files: GuestFiles;
  /** Where it starts from at power-on; it boots from cold without one, and after a reset in any case. */
  readonly template?: () => Promise<Template>;
  readonly onEvent?: LabListener;
  /** False for a guest that nobody can run programs in. */
  readonly hasAgent: boolean;
  /** What the console says when it is up. */
  readonly ready?: RegExp;
};

/** The greeting of a guest without an agent, which greets nobody. */
const noHello: Hello = { stage: "up", bootId: "", uptime: 0, version: "" };

/** The kernel's last words when we made it panic: by a key of sysrq, or by an interrupt that nothing explains. */
const ourPanic = /Kernel panic - not syncing: (?:sysrq triggered crash|NMI)/;

/** How long a file may take. */
const fileMs = 60_000;

/** One virtual machine of a lab, over all its boots. */
export class LabNode implements AsyncDisposable {
  readonly name: string;
  readonly console: ConsoleLog;
  readonly #init: NodeInit;
  readonly #unplugged = new Set<number>();
  #vm: Vm | undefined;
  #lastEnd = "it was never started";
  #resetSeen = Promise.withResolvers<void>();

  constructor(init: NodeInit) {
    this.name = init.machine.name;
    this.#init = init;
    this.console = new ConsoleLog(init.consoleFile, init.expectedOnConsole);
    this.console.watch((line) => {
      if (!kernelPanic.test(line)) return;
      this.#tell("panic", line);
      // Nothing that ran in it will ever end, and a restart may be far.
      this.#vm?.agent.forgetBoot(`the kernel of the guest panicked: ${line.trim()}`);
    });
  }

  /** True while its QEMU runs. */
  get running(): boolean {
    return this.#vm !== undefined;
  }

  /** Process id of its QEMU; undefined while it is off. */
  get pid(): number | undefined {
    return this.#vm?.pid;
  }

  /**
   * Starts it and waits for its agent and for `ready` on its console, where it has them. @throws with the end of the console
   * when that takes too long or QEMU ends.
   */
  async boot(): Promise<Hello> {
    if (this.#vm !== undefined) throw this.failure("it runs already");
    const template = await this.#about(Promise.resolve(this.#init.template?.()));
    this.#tell("boot", template === undefined ? "cold" : "clone");
    this.console.startBoot();
    const vm = this.#start(template);
    this.#vm = vm;
    void vm.ended.then((how) => {
      if (this.#vm === vm) this.#vm = undefined;
      this.#lastEnd = how;
      this.console.note(how);
      this.#tell("off", how);
    });
    const greeting = this.#greeting(vm, "after the start of QEMU");
    const [hello] = await Promise.all([greeting, this.#about(this.#prepare(vm, template))]);
    return hello;
  }

  /**
   * The greeting of the boot that runs, or of the next one when the guest is restarting by itself. Given a greeting, that of a
   * later boot: a guest that was just told to restart still answers for a while.
   */
  async ready(previous?: Hello): Promise<Hello> {
    return this.#greeting(this.#live("ready"), previous === undefined ? "" : "of the next boot", previous);
  }

  /** Runs a program in the guest, whatever its network does. @throws when it does not start or end in time. */
  async exec(argv: readonly string[], options: RunOptions = {}): Promise<ExecResult> {
    const { timeoutMs = 60_000, signal, ...rest } = options;
    using deadline = this.#deadline(timeoutMs);
    const either = signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, signal]);
    try {
      return await this.#agent("exec").exec(argv, { ...rest, signal: either });
    } catch (error) {
      const why = deadline.signal.aborted
        ? `"${argv.join(" ")}" did not end within ${deadline.waited}`
        : messageOf(error);
      throw this.failure(why, error);
    }
  }

  /**
   * Starts a program that is given input while it runs, such as a shell in a terminal (`pty`). It runs until it ends, is killed
   * or the guest restarts. @throws when the machine is off.
   */
  start(argv: readonly string[], options: StartOptions = {}): GuestProgram {
    const program = this.#agent("start").start(argv, options);
    const result = this.#about(program.result);
    // Who only wants the output need not look at how it ended.
    result.catch(() => {});
    return { ...program, result };
  }

  /** Like `exec`, for what must succeed: gives its standard output. @throws with what it said on any other exit. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, signal, stdout, stderr } = await this.exec(argv, options);
    if (code === 0) return stdout;
    const how = code === null ? `was ended by signal ${signal}` : `ended with status ${code}`;
    throw this.failure(`"${argv.join(" ")}" ${how}: ${(stderr.trim() || stdout.trim()).slice(-2000)}`);
  }

  async readFile(path: string): Promise<Buffer> {
    using deadline = this.#deadline(fileMs);
    return await this.#about(this.#agent("readFile").readFile(path, deadline.signal));
  }

  async writeFile(path: string, content: string | Uint8Array, mode?: number): Promise<void> {
    using deadline = this.#deadline(fileMs);
    await this.#about(this.#agent("writeFile").writeFile(path, content, mode, deadline.signal));
  }

  /** The log of the guest's services, oldest line first. @throws when it keeps none that the harness knows. */
  journal(options: JournalOptions = {}): AsyncGenerator<JournalEntry, void> {
    return readJournal(this, options);
  }

  /** Presses the reset button, or runs `reboot` in the guest ("orderly"), and waits for the next boot. */
  async reboot(how: "reset" | "orderly" = "reset"): Promise<Hello> {
    const vm = this.#live("reboot");
    if (how === "orderly") {
      const agent = this.#agent("an orderly reboot");
      const previous = await this.ready();
      const next = this.#greeting(vm, "after a reboot", previous);
      return Promise.race([next, this.#about(orderEnd(agent, "reboot"))]);
    }
    const reset = this.#resetSeen.promise;
    vm.agent.forgetBoot();
    await this.#about(Promise.all([vm.qmp.execute("system_reset"), reset]));
    return this.#greeting(vm, "after a reset");
  }

  /**
   * Makes the kernel panic and waits until it says so; what it says of it breaks no rule. What the guest does then is its own affair: with
   * `panic=SECONDS` on its command line, as the image has it, it restarts, and `ready` waits for that. A guest without an agent
   * panics only with the word `unknown_nmi_panic` on its command line.
   */
  async crash(): Promise<void> {
    const vm = this.#live("crash");
    const over = new AbortController();
    this.console.expect(ourPanic);
    const panic = this.console.next(kernelPanic, over.signal);
    // Neither is answered by a kernel that has panicked.
    if (vm.agent.hello === undefined) vm.qmp.execute("inject-nmi").catch(() => {});
    else vm.agent.writeFile("/proc/sysrq-trigger", "c").catch(() => {});
    try {
      await this.#within(panic, "the panic of its kernel", 30_000);
    } finally {
      over.abort();
    }
  }

  /** Cuts the power. `boot` starts it again. */
  async powerCut(): Promise<void> {
    await this.#live("powerCut").kill();
  }

  /** Moves the clock of the guest, back when `seconds` is negative. Gives what it said before and after. */
  async clockJump(seconds: number): Promise<{ readonly before: Date; readonly after: Date }> {
    const { before, after } = await this.#about(this.#agent("clockJump").jumpClock(seconds));
    return { before: new Date(before * 1000), after: new Date(after * 1000) };
  }

  /** Saves what is on the screen of a node with `screen: true` as PNG. */
  async screendump(file: string): Promise<void> {
    if (this.#init.machine.screen !== true)
      throw this.failure("a screendump needs a screen: give the node `screen: true`");
    await this.#about(this.#live("screendump").qmp.execute("screendump", { filename: absolute(file), format: "png" }));
  }

  /** The cable of a NIC (0 is eth0) at the card: `Lab.setLink` calls it, which also tells the switch. It stays so over boots. */
  async setCarrier(nic: number, up: boolean): Promise<void> {
    if (up) this.#unplugged.delete(nic);
    else this.#unplugged.add(nic);
    if (this.#vm !== undefined) await this.#about(this.#vm.qmp.execute("set_link", { name: nicId(nic), up }));
  }

  /** Shuts down in order and waits until QEMU has ended. `boot` starts it again. Without an agent its power button is pressed. */
  async powerOff(): Promise<void> {
    const vm = this.#live("powerOff");
    const { ended } = vm;
    if (!this.#init.hasAgent) await this.#about(vm.qmp.execute("system_powerdown"));
    const off = this.#init.hasAgent ? Promise.race([ended, orderEnd(vm.agent, "poweroff")]) : ended;
    await this.#within(off, "the end of QEMU after poweroff", 30_000);
  }

  /** Waits for a line on the console of this boot, also among those seen before. */
  async waitForConsole(pattern: RegExp, timeoutMs: number = 60_000): Promise<string> {
    const over = new AbortController();
    try {
      return await this.#within(this.console.waitFor(pattern, over.signal), `${pattern} on the console`, timeoutMs);
    } finally {
      over.abort();
    }
  }

  /** Calls `attempt` again and again until it gives a value; what it throws counts as "not yet" and ends the last message. */
  async until<T>(what: string, attempt: () => Promise<T | undefined>, timeoutMs: number = 60_000): Promise<T> {
    using deadline = this.#deadline(timeoutMs);
    let last = "";
    for (let pause = 50; ; pause = Math.min(pause * 1.5, 1000)) {
      try {
        const value = await attempt();
        if (value !== undefined) return value;
      } catch (error) {
        last = `; the last attempt said: ${summaryOf(error)}`;
      }
      if (deadline.passed) throw this.failure(`waited ${deadline.waited} for ${what}${last}`);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /** An error that carries this node's name, the end of its console and where to look. */
  failure(why: string, cause?: unknown): LabError {
    return new LabError(`${this.name}: ${why}`, this.evidence(), cause);
  }

  evidence(lines: number = 20): Evidence {
    return { node: this.name, console: this.console.ending(lines), files: [this.console.file, ...this.#init.captures] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#vm?.kill();
    await this.console[Symbol.asyncDispose]();
  }

  #start(template: Template | undefined): Vm {
    const { machine } = this.#init;
    const own: Machine = template === undefined ? machine : { ...machine, ram: { file: template.ram, of: "clone" } };
    const onEarly = async (agent: AgentClient): Promise<void> => {
      await agent.identify(this.#init.identity);
      await layFiles(agent, this.#init.files);
      await agent.release();
    };
    return new Vm(own, this.console, (event) => this.#event(event), onEarly);
  }

  /** Sets the cables before the guest can look at them; a clone gets the state of its NICs from its template first. */
  async #prepare(vm: Vm, template: Template | undefined): Promise<void> {
    if (template !== undefined) await loadTemplate(vm.qmp, template.state);
    await Promise.all([...this.#unplugged].map((nic) => vm.qmp.execute("set_link", { name: nicId(nic), up: false })));
    if (template === undefined) return;
    await vm.qmp.execute("cont");
    this.console.note(`cloned from a template, whose console is in ${template.console}`);
    const { identity, files, machine } = this.#init;
    await leaveTemplate(vm.agent, async () => {
      const seed = randomBytes(64).toString("base64");
      await vm.agent.identify({ ...identity, clone: { time: Date.now() / 1000, seed, cmdline: machine.cmdline } });
      await layFiles(vm.agent, files);
    });
  }

  #deadline(ms: number): Deadline {
    return new Deadline(ms, this.#init.patience);
  }

  #live(what: string): Vm {
    if (this.#vm === undefined) throw this.failure(`${what} needs a running machine: ${this.#lastEnd}`);
    return this.#vm;
  }

  #agent(what: string): AgentClient {
    const { agent } = this.#live(what);
    if (!this.#init.hasAgent)
      throw this.failure(`${what} needs an agent in the guest, and this one has none (agent: false)`);
    return agent;
  }

  /** Waits until the guest is up: for its agent and for what its console says then. */
  async #greeting(vm: Vm, when: string, previous?: Hello): Promise<Hello> {
    const over = new AbortController();
    const gone = vm.ended.then((how) => {
      throw new Error(how);
    });
    const panicked = this.console.next(kernelPanic, over.signal).then((line) => {
      throw new Error(line);
    });
    try {
      const { hasAgent, ready, bootTimeoutMs } = this.#init;
      const greeting = hasAgent ? vm.agent.greeting(over.signal, previous) : Promise.resolve(noHello);
      const said = ready === undefined ? undefined : this.console.waitFor(ready, over.signal);
      const up = Promise.all([greeting, said]);
      const what = [hasAgent ? "its agent" : "", ready === undefined ? "" : `${ready} on its console`];
      const waitedFor = `${what.filter(Boolean).join(" and ")} ${when}`.trim();
      const [hello] = await this.#within(Promise.race([up, gone, panicked]), waitedFor, bootTimeoutMs);
      this.#tell("up", hasAgent ? `${hello.uptime.toFixed(1)} s of the guest` : "without an agent");
      return hello;
    } finally {
      over.abort();
    }
  }

  async #within<T>(promise: Promise<T>, what: string, timeoutMs: number): Promise<T> {
    using deadline = this.#deadline(timeoutMs);
    try {
      return await deadline.race(promise);
    } catch (error) {
      const why = deadline.signal.aborted
        ? `waited ${deadline.waited} for ${what}`
        : `waiting for ${what}: ${messageOf(error)}`;
      throw this.failure(why, error);
    }
  }

  async #about<T>(promise: Promise<T>): Promise<T> {
    return promise.catch((error: unknown) => {
      throw this.failure(messageOf(error), error);
    });
  }

  #tell(what: LabEventKind, detail?: string): void {
    this.#init.onEvent?.({ of: this.name, what, ...(detail === undefined ? {} : { detail }) });
  }

  #event({ event, data }: QmpEvent): void {
    if (event !== "RESET" && event !== "SHUTDOWN" && event !== "GUEST_PANICKED") return;
    this.console.note(`${event} ${JSON.stringify(data ?? {})}`);
    if (event === "GUEST_PANICKED") this.#tell("panic");
    if (event !== "RESET") return;
    this.#tell("reset");
    this.#vm?.agent.forgetBoot();
    this.console.startBoot();
    this.#resetSeen.resolve();
    this.#resetSeen = Promise.withResolvers<void>();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The first line of an error, without the evidence. */
export function summaryOf(error: unknown): string {
  return error instanceof LabError ? error.summary : messageOf(error);
}
