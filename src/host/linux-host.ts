import { chmod, mkdir, readdir, stat } from "node:fs/promises";
import { uptime } from "../lib/uptime.ts";
import { dirname, join } from "node:path";
import type { Actual, ActualWireguard } from "../model/actual.ts";
import type { Answer, Question } from "../model/check.ts";
import type { ClockFact, NicFact, RouterFact } from "../model/facts.ts";
import type { FirewallFacts } from "../model/firewall-facts.ts";
import type { CheckResult } from "../model/guard.ts";
import type { Limits } from "../model/limits.ts";
import { HOST, OWNER, type Target } from "../model/kernel.ts";
import { correctionFile } from "../model/runtime-files.ts";
import type { Step } from "../model/step.ts";
import type { SupervisorFacts, SupervisorKind } from "../model/supervisor.ts";
import { netnsList, netnsSweep, Netlink, raiseDescriptors } from "./addon.ts";
import { askNetwork } from "./ask-network.ts";
import type { RouterOption } from "./digest-types.ts";
import { NETNS_DIRECTORY, netnsPath, OWN_NETNS } from "./exec.ts";
import { readClock } from "./clock.ts";
import { checkConnectivity } from "./connectivity.ts";
import { execute } from "./execute.ts";
import type { Dirty, FailedStep, Host, Leases, Scope, ServiceState, WireguardKeys } from "./host.ts";
import { fileMark } from "./files.ts";
import { Firewalls } from "./firewalls.ts";
import { readLeases } from "./leases.ts";
import { runningManagers } from "./managers.ts";
import { Namespaces } from "./namespaces.ts";
import type { ObserveContext } from "./observe.ts";
import type { MadeLinks } from "./observe/tables.ts";
import { Observer } from "./observer.ts";
import { NicDetails } from "./nic-details.ts";
import { Ovs } from "./ovs.ts";
import { OVSDB_SOCKET } from "./ovsdb.ts";
import { Records } from "./records.ts";
import { Routers } from "./routers.ts";
import { findSupervisor } from "./supervisor/find.ts";
import { watchHost } from "./watch.ts";
import { KeyFiles } from "./wireguard-keys.ts";

/**
 * The mark of this daemon's namespaces. Names under /run/netns are shared by all daemons of a machine, so the mark says
 * for which network namespace its owner works: the low half is from that namespace's inode, which lives as long as what it marks.
 */
async function netnsMark(): Promise<number> {
  const { ino } = await stat(OWN_NETNS);
  return OWNER.linkGroup * 0x1_00_00 + (ino & 0xff_ff);
}

export interface LinuxHostOptions {
  /** Directory of WireGuard key files. */
  readonly keys: string;
  readonly runtimeDir: string;
  /** Directory that s6-svscan watches, or the socket of a zinit. */
  readonly scanDir: string;
  /** The supervisor to use, whatever there is. */
  readonly supervisor?: SupervisorKind | undefined;
  /** Unix socket of ovsdb-server; that of Debian when left out. */
  readonly ovsdb?: string;
  /** Links of ours that count as NICs: those of the command line. */
  readonly madeLinks?: MadeLinks;
  /** Told of each WireGuard key that is made. */
  readonly onNewKey?: (resource: string, publicKey: string) => void;
}

/** The Linux under us: the namespace that this process runs in, and those under /run/netns. */
export class LinuxHost implements Host {
  readonly keys: WireguardKeys;
  readonly problems: readonly string[];
  readonly limits: Limits = { descriptors: raiseDescriptors().hard };
  readonly #firewalls = new Firewalls();
  readonly #context: ObserveContext;
  readonly #observer: Observer;
  readonly #leases: string;
  readonly #corrected: string;

  private constructor(keys: WireguardKeys, context: ObserveContext, runtimeDir: string) {
    this.keys = keys;
    this.#context = context;
    this.#observer = new Observer(context);
    this.#leases = join(runtimeDir, "leases");
    this.#corrected = correctionFile(runtimeDir);
    this.problems = context.records.problem === undefined ? [] : [context.records.problem];
  }

  static async open({
    keys,
    runtimeDir,
    scanDir,
    supervisor: wish,
    ovsdb = OVSDB_SOCKET,
    madeLinks = new Map(),
    onNewKey,
  }: LinuxHostOptions): Promise<LinuxHost> {
    for (const directory of [join(runtimeDir, "leases"), dirname(correctionFile(runtimeDir))])
      await mkdir(directory, { recursive: true });
    // Open to everyone as `ip netns` makes it, whatever our umask.
    if ((await mkdir(NETNS_DIRECTORY, { recursive: true })) !== undefined) await chmod(NETNS_DIRECTORY, 0o755);
    await netnsSweep();
    const records = await Records.open(join(runtimeDir, "records.json"));
    records.keepOnly(new Set([HOST, ...(await netnsList()).map(({ name }) => name)]));
    await records.save();
    const supervisor = await findSupervisor({ services: join(runtimeDir, "services"), place: scanDir, wish });
    const mark = await netnsMark();
    const ovs = await Ovs.open(ovsdb, mark);
    const newKeys = join(runtimeDir, "new-keys");
    const keyFiles = new KeyFiles({ directory: keys, newKeys, ...(onNewKey === undefined ? {} : { onNew: onNewKey }) });
    const context = {
      netnsMark: mark,
      namespaces: new Namespaces(),
      records,
      supervisor,
      ovs,
      nicDetails: new NicDetails(),
      routers: await Routers.open(join(runtimeDir, "routers.json")),
      fileMark: fileMark(keys),
      madeLinks,
    };
    return new LinuxHost(keyFiles, context, runtimeDir);
  }

  observe(target: Target, scope: Scope): Promise<Actual> {
    return this.#observer.observe(target, scope);
  }

  async execute(steps: readonly Step[]): Promise<readonly FailedStep[]> {
    this.#observer.taken(steps);
    for (const { op, args } of steps) if (op === "netns.del") await this.#context.routers.forget(args.name);
    return await execute(this.#context, steps);
  }

  wireguard(): Promise<readonly ActualWireguard[]> {
    return this.#observer.wireguard();
  }

  async namespaces(): Promise<readonly string[]> {
    return await readdir(NETNS_DIRECTORY);
  }

  nics(scope: Scope): Promise<readonly NicFact[]> {
    return this.#observer.nics(scope);
  }

  async routerFacts(netns: string, dev: string, scope: Scope): Promise<RouterFact | undefined> {
    const sight = await this.#observer.router(netns, dev, scope);
    return sight === undefined ? undefined : await this.#context.routers.fact(netns, dev, sight, uptime());
  }

  leases(): Promise<Leases> {
    return readLeases(this.#leases, uptime());
  }

  async connectivity(): Promise<readonly CheckResult[]> {
    return await checkConnectivity(await this.#context.namespaces.netlink(HOST));
  }

  async ask(question: Question): Promise<Answer> {
    // Sockets of its own: those of a pass are closed when a probe goes, whoever still waits for an answer.
    using netlink = await Netlink.open(question.netns === HOST ? undefined : netnsPath(question.netns));
    return await askNetwork(netlink, question);
  }

  async firewalls(): Promise<FirewallFacts> {
    return await this.#firewalls.look(await this.#context.namespaces.netlink(HOST));
  }

  managers(): Promise<readonly string[]> {
    return runningManagers();
  }

  clock(): Promise<ClockFact> {
    return readClock(this.#corrected, uptime());
  }

  supervisor(): SupervisorFacts {
    const { supervisor } = this.#context;
    return { kind: supervisor.kind, problems: supervisor.problems() };
  }

  services(): Promise<readonly ServiceState[]> {
    return this.#context.supervisor.states();
  }

  watch(onDirty: (dirty: Dirty) => void): Disposable {
    const nameOf = (id: number): string | undefined => this.#observer.nameOf(id);
    const onRouterOptions = (netns: string, options: readonly RouterOption[]): void => {
      // What cannot be written down is in memory; after a restart routers are asked again.
      this.#context.routers.note(netns, options, uptime()).catch(() => undefined);
    };
    return watchHost(
      { nameOf, leases: this.#leases, corrected: this.#corrected, namespaces: NETNS_DIRECTORY, onRouterOptions },
      onDirty,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#context.namespaces[Symbol.dispose]();
    return Promise.resolve();
  }
}
