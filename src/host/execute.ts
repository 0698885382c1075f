import { inTurn } from "../lib/async.ts";
import { describeError, isGone, NetloomError } from "../lib/errors.ts";
import { BRIDGE_PORTS_MAX } from "../model/limits.ts";
import { HOST, OWNER } from "../model/kernel.ts";
import { visitStep, type PeerChange, type Step, type StepArguments, type StepTable } from "../model/step.ts";
import { nftHash, processHash } from "../model/definition-hash.ts";
import { netnsCreate, netnsDelete, sysctlSetMany, type Netlink } from "./addon.ts";
import { netnsPath } from "./exec.ts";
import type { FailedStep } from "./host.ts";
import { netlinkStep } from "./link-requests.ts";
import type { Request } from "./netlink-requests.ts";
import type { Refusal, WireguardConfig, WireguardPeerChange } from "./netlink-types.ts";
import { loadTable } from "./nft.ts";
import type { ObserveContext } from "./observe.ts";
import type { Records } from "./records.ts";

/** Errnos that mean "it was gone already", which is what a removal wanted. */
const GONE = new Set(["ENOENT", "ENODEV", "ESRCH", "EADDRNOTAVAIL"]);

/**
 * Takes the steps: those of one namespace in their order, of several namespaces side by side where nothing is made or removed.
 * Neighbours that are netlink requests of one namespace go as one batch, links that go as one group, kernel parameters in one visit.
 */
export async function execute(context: ObserveContext, steps: readonly Step[]): Promise<readonly FailedStep[]> {
  const failed: FailedStep[] = [];
  const run = executors(context);
  try {
    for (const segment of segments(steps)) {
      if (segment.within)
        await inTurn(
          [...Map.groupBy(segment.steps, placeOf)],
          async ([netns, own]) => void failed.push(...(await takeIn(context, run, netns, own))),
        );
      else failed.push(...(await takeIn(context, run, placeOf(segment.steps[0]), segment.steps)));
    }
  } finally {
    context.namespaces.release();
    await context.records.save();
  }
  return failed;
}

/** Neighbours among the steps. `within`: each changes what is in one namespace only, and those of two can go side by side. */
interface Segment {
  readonly within: boolean;
  readonly steps: Step[];
}

/** Steps that make or remove what others stand on, in other namespaces too: all before them is done first. */
const ACROSS = new Set<Step["op"]>(["netns.add", "netns.del", "link.add", "link.del", "process.set", "process.del"]);

function segments(steps: readonly Step[]): readonly Segment[] {
  const found: Segment[] = [];
  for (const step of steps) {
    const within = !ACROSS.has(step.op);
    const last = found.at(-1);
    const joins = last?.within === within && (within || placeOf(last.steps[0]) === placeOf(step));
    if (joins) last.steps.push(step);
    else found.push({ within, steps: [step] });
  }
  return found;
}

/** The namespace whose socket or visit a step needs. */
function placeOf(step: Step | undefined): string {
  if (step === undefined) return HOST;
  const request = netlinkStep(step);
  return request?.netns ?? ("netns" in step.args ? step.args.netns : HOST);
}

/** Takes steps of one namespace in order. */
async function takeIn(
  context: ObserveContext,
  run: StepTable<Promise<void>>,
  netns: string,
  steps: readonly Step[],
): Promise<readonly FailedStep[]> {
  const failed: FailedStep[] = [];
  for (let next = 0; next < steps.length;) {
    const batch = leading(steps, next, (step) => {
      const request = netlinkStep(step)?.request;
      return request === undefined ? undefined : { step, request };
    });
    const parameters = leading(steps, next, (step) => (step.op === "sysctl.set" ? step : undefined));
    const step = steps[next];
    if (batch.length > 0) failed.push(...(await sendBatch(context, netns, batch)));
    else if (parameters.length > 0) failed.push(...(await setParameters(netns, parameters)));
    else if (step !== undefined) failed.push(...(await takeOne(run, step)));
    next += Math.max(1, batch.length, parameters.length);
  }
  return failed;
}

/** What `take` makes of the steps from `start` on, up to the first that it does not take. */
function leading<T>(steps: readonly Step[], start: number, take: (step: Step) => T | undefined): readonly T[] {
  const taken: T[] = [];
  for (const step of steps.slice(start)) {
    const one = take(step);
    if (one === undefined) break;
    taken.push(one);
  }
  return taken;
}

async function takeOne(run: StepTable<Promise<void>>, step: Step): Promise<readonly FailedStep[]> {
  try {
    await visitStep(run, step);
    return [];
  } catch (error) {
    return removes(step) && isGone(error) ? [] : [{ step, error: asError(error) }];
  }
}

async function setParameters(
  netns: string,
  steps: readonly Extract<Step, { op: "sysctl.set" }>[],
): Promise<readonly FailedStep[]> {
  try {
    const outcomes = await sysctlSetMany(
      netns === HOST ? null : netnsPath(netns),
      steps.map(({ args: { key, value } }) => [key, value]),
    );
    return steps.flatMap((step, index) => {
      const outcome = outcomes[index];
      return refusalOf(step, outcome?.ok === false ? outcome : undefined, netns);
    });
  } catch (error) {
    return steps.map((step) => ({ step, error: asError(error) }));
  }
}

interface Batched {
  readonly step: Step;
  readonly request: Request;
}

async function sendBatch(
  context: ObserveContext,
  netns: string,
  batch: readonly Batched[],
): Promise<readonly FailedStep[]> {
  try {
    const netlink = await context.namespaces.netlink(netns);
    await rememberAdoptions(context.records, netlink, batch);
    const grouped = groupRemovals(batch);
    const outcomes = await netlink.batch(grouped.map(({ request }) => request));
    forgetReleased(context.records, batch);
    return grouped.flatMap(({ steps }, index) => {
      const outcome = outcomes[index];
      if (outcome === undefined || outcome.ok) return [];
      const { failures = [] } = outcome;
      const named = new Map(failures.map((failure) => [failure.target, failure]));
      // Of several links that should go together, those failed that are named; when none is, all did.
      const several = steps.some((step) => step.op === "link.del" && named.has(step.args.name));
      return steps.flatMap((step) =>
        refusalOf(step, several && step.op === "link.del" ? named.get(step.args.name) : outcome, netns),
      );
    });
  } catch (error) {
    return batch.map(({ step }) => ({
      step,
      error: new Error(`cannot reach namespace ${netns === HOST ? "of the node" : netns}: ${describeError(error)}`, {
        cause: error,
      }),
    }));
  }
}

interface Grouped {
  readonly request: Request;
  readonly steps: readonly Step[];
}

/** Links that go one after another go as one group: each alone waits for the kernel to settle, 16 ms (FINDINGS.md 4). */
function groupRemovals(batch: readonly Batched[]): readonly Grouped[] {
  const found: { request: Request; steps: Step[] }[] = [];
  for (const { step, request } of batch) {
    const last = found.at(-1);
    if (last?.request.op === "link.del" && request.op === "link.del") {
      last.request = { op: "link.del", names: [...last.request.names, ...request.names] };
      last.steps.push(step);
    } else found.push({ request, steps: [step] });
  }
  return found;
}

/** A step that was refused, unless it is a removal of what was gone already. */
function refusalOf(step: Step, refusal: Refusal | undefined, netns: string): readonly FailedStep[] {
  if (refusal === undefined || (removes(step) && GONE.has(refusal.code))) return [];
  const { code, op, target, message } = refusal;
  const hint = HINTS[code];
  const error = { code, op, target: at(target, netns), why: message, ...(hint === undefined ? {} : { hint }) };
  return [{ step, error: new NetloomError(error) }];
}

/** What the kernel's word for a limit means here, and what to do about it. */
const HINTS: Readonly<Record<string, string>> = {
  EXFULL: `the bridge has ${BRIDGE_PORTS_MAX} ports, the most that the kernel allows: divide its members among several LANs`,
  EMFILE: "this process has no file descriptor left: raise its hard limit (ulimit -Hn)",
  ENFILE: "the machine has no file left: raise fs.file-max",
};

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Remembers the ports that are about to be made of other people's links: before, so that a crash leaves none unknown. */
async function rememberAdoptions(records: Records, netlink: Netlink, batch: readonly Batched[]): Promise<void> {
  const moves = masterChanges(batch).filter(({ master }) => master !== null);
  if (moves.length === 0) return;
  const { links } = await netlink.dump("links");
  const foreign = new Map(
    links.filter(({ group }) => group !== OWNER.linkGroup).map(({ name, index }) => [name, index] as const),
  );
  for (const { netns, name } of moves) {
    const index = foreign.get(name);
    if (index !== undefined) records.setAdopted(netns, name, index);
  }
  await records.save();
}

function forgetReleased(records: Records, batch: readonly Batched[]): void {
  for (const { netns, name, master } of masterChanges(batch))
    if (master === null) records.setAdopted(netns, name, undefined);
}

function masterChanges(batch: readonly Batched[]): readonly StepArguments["link.set"][] {
  return batch.flatMap(({ step }) => (step.op === "link.set" && step.args.master !== undefined ? [step.args] : []));
}

function at(target: string, netns: string): string {
  return netns === HOST ? target : `${target} in ${netns}`;
}

function removes(step: Step): boolean {
  return step.op.endsWith(".del") || step.op === "wireguard.unpeer";
}

/** What the executors of steps that are no single netlink request do. The others are sent by `sendBatch`. */
function executors(context: ObserveContext): StepTable<Promise<void>> {
  const { namespaces, records, supervisor } = context;
  const batched = (): Promise<void> => Promise.reject(new TypeError("a step of a batch outside one"));
  const setWireguard = async (netns: string, dev: string, config: WireguardConfig): Promise<void> => {
    await (await namespaces.netlink(netns)).wireguardSet(dev, config);
  };
  return {
    "netns.add": async ({ name }) => {
      namespaces.close(name);
      await netnsCreate(name, context.netnsMark);
      namespaces.keep(name);
    },
    "netns.del": async ({ name }) => {
      // Sockets of ours would keep the namespace alive.
      namespaces.close(name);
      records.forgetNetns(name);
      await netnsDelete(name);
    },
    "sysctl.set": batched,
    "nft.load": async (spec) => {
      const netlink = await namespaces.netlink(spec.netns);
      records.setNftTable(spec.netns, spec.family, spec.table, await loadTable(netlink, spec, nftHash(spec)));
    },
    "nft.del": async ({ netns, family, table }) => {
      const netlink = await namespaces.netlink(netns);
      records.setNftTable(netns, family, table, undefined);
      await netlink.nftDelete(family, table);
    },
    "wireguard.device": ({ netns, dev, privateKey, listenPort, fwmark = 0 }) =>
      setWireguard(netns, dev, { privateKey: privateKey.reveal(), listenPort, fwmark }),
    "wireguard.peer": async ({ netns, dev, peer }) => {
      await setWireguard(netns, dev, { peers: [peerChange(peer)] });
      const { publicKey, endpoint, presharedKey } = peer;
      if (endpoint !== undefined) records.setGivenEndpoint(netns, dev, publicKey, endpoint);
      if (presharedKey !== undefined) records.setPresharedKey(netns, dev, publicKey, presharedKey?.fingerprint());
    },
    "wireguard.unpeer": async ({ netns, dev, publicKey }) => {
      records.setGivenEndpoint(netns, dev, publicKey, undefined);
      records.setPresharedKey(netns, dev, publicKey, undefined);
      await setWireguard(netns, dev, { peers: [{ publicKey, remove: true }] });
    },
    "process.set": (spec) => supervisor.set(spec, processHash(spec)),
    "process.del": ({ name }) => supervisor.remove(name),
    "link.add": batched,
    "link.set": batched,
    "link.del": batched,
    "link.port": batched,
    "vlan.add": batched,
    "vlan.del": batched,
    "neighbor.add": batched,
    "neighbor.del": batched,
    "fdb.add": batched,
    "fdb.del": batched,
    "address.add": batched,
    "address.del": batched,
    "route.add": batched,
    "route.del": batched,
    "rule.add": batched,
    "rule.del": batched,
  };
}

/** What the kernel takes for no preshared key (wg(8)). */
const NO_PRESHARED_KEY = Buffer.alloc(32).toString("base64");

function peerChange({ publicKey, endpoint, allowedIps, keepalive, presharedKey }: PeerChange): WireguardPeerChange {
  return {
    publicKey,
    allowedIps,
    persistentKeepalive: keepalive,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(presharedKey === undefined ? {} : { presharedKey: presharedKey?.reveal() ?? NO_PRESHARED_KEY }),
  };
}
