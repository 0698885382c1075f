import { describeError, NetloomError } from "../lib/errors.ts";
import { BRIDGE_PORTS_MAX } from "../model/limits.ts";
import { HOST, OWNER } from "../model/kernel.ts";
import type { Step, StepArguments } from "../model/step.ts";
import { batchAcross, type Netlink } from "./addon.ts";
import { netnsInode, netnsPath } from "./exec.ts";
import type { FailedStep } from "./host.ts";
import { netlinkStep } from "./link-requests.ts";
import type { Request } from "./netlink-requests.ts";
import type { Outcome, Refusal } from "./netlink-types.ts";
import type { ObserveContext } from "./observe.ts";
import type { Records } from "./records.ts";

/** Errnos that mean "it was gone already", which is what a removal wanted. */
const GONE = new Set(["ENOENT", "ENODEV", "ESRCH", "EADDRNOTAVAIL"]);

/** A request and the steps that it takes: several when it removes several links. */
interface Batched {
  request: Request;
  readonly steps: Step[];
}

/** What is asked of one namespace's kernel, one after the other. */
interface Share {
  readonly netns: string;
  readonly batch: Batched[];
}

/** Sends steps that are netlink requests, all in one call. */
export async function sendRequests(context: ObserveContext, steps: readonly Step[]): Promise<readonly FailedStep[]> {
  const shares = shareOut(steps);
  await rememberAdoptions(context, steps);
  await forgetBirths(context.records, steps);
  const answers = await ask(context, shares);
  forgetReleased(context.records, steps);
  const failed = shares.flatMap(({ netns, batch }, index) => {
    const answer = answers[index];
    if (answer === undefined || !("outcomes" in answer))
      return batch.flatMap((one) => one.steps.map((step) => ({ step, error: cannotReach(netns, answer?.refused) })));
    return batch.flatMap((one, position) => failedOf(one, answer.outcomes[position], netns));
  });
  const refused = new Set(failed.map(({ step }) => step));
  await rememberBirths(
    context.records,
    steps.filter((step) => !refused.has(step)),
  );
  return failed;
}

/**
 * Requests by namespace, each namespace's in their order. What makes or removes a link may do so in other namespaces as well, so it
 * stays between what came before and what came after.
 */
function shareOut(steps: readonly Step[]): readonly Share[] {
  const shares: Share[] = [];
  /** Those that more can be added to. */
  let open = new Map<string, Share>();
  for (const step of steps) {
    const wanted = netlinkStep(step);
    if (wanted === undefined) continue;
    const { netns, request } = wanted;
    const across = step.op === "link.add" || step.op === "link.del";
    const last = shares.at(-1);
    if (across && open.size > 0) open = new Map(last?.netns === netns ? [[netns, last]] : []);
    const share = open.get(netns) ?? { netns, batch: [] };
    if (!open.has(netns)) shares.push(share);
    open.set(netns, share);
    add(share.batch, step, request);
  }
  return shares;
}

/** Links that go one after another go as one group: each alone waits for the kernel to settle, 16 ms (FINDINGS.md 4). */
function add(batch: Batched[], step: Step, request: Request): void {
  const last = batch.at(-1);
  if (last?.request.op === "link.del" && request.op === "link.del") {
    last.request = { op: "link.del", names: [...last.request.names, ...request.names] };
    last.steps.push(step);
  } else batch.push({ request, steps: [step] });
}

/** Asks the kernel. A namespace that is not ours is entered for this once: a socket that stays would keep it alive. */
async function ask(
  { namespaces }: ObserveContext,
  shares: readonly Share[],
): Promise<readonly ({ readonly outcomes: readonly Outcome[] } | { readonly refused: unknown })[]> {
  await namespaces.openAll(shares.map(({ netns }) => netns).filter((netns) => namespaces.keeps(netns)));
  const sockets = await Promise.allSettled(
    shares.map(({ netns }) => (namespaces.keeps(netns) ? namespaces.netlink(netns) : Promise.resolve(null))),
  );
  const ready = shares.flatMap(({ netns, batch }, index) => {
    const socket = sockets[index];
    if (socket?.status !== "fulfilled") return [];
    return [{ index, socket: socket.value, path: netnsPath(netns), requests: batch.map(({ request }) => request) }];
  });
  const done = await batchAcross(ready).catch((error: unknown) => ready.map(() => error));
  const byIndex = new Map(ready.map(({ index }, position) => [index, done[position]]));
  return shares.map((_share, index) => {
    const socket = sockets[index];
    if (socket?.status === "rejected") return { refused: socket.reason as unknown };
    const outcomes: unknown = byIndex.get(index);
    return Array.isArray(outcomes) ? { outcomes: outcomes as readonly Outcome[] } : { refused: outcomes };
  });
}

function cannotReach(netns: string, cause: unknown): Error {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "failed";
  const why =
    cause instanceof Error || typeof cause !== "object" || cause === null || !("message" in cause)
      ? describeError(cause)
      : String(cause.message);
  return new NetloomError({
    code,
    op: "reach",
    target: netns === HOST ? "the node's own namespace" : `namespace ${netns}`,
    why,
    cause,
  });
}

function failedOf({ steps }: Batched, outcome: Outcome | undefined, netns: string): readonly FailedStep[] {
  if (outcome === undefined || outcome.ok) return [];
  const named = new Map((outcome.failures ?? []).map((failure) => [failure.target, failure]));
  // Of several links that should go together, those failed that are named; when none is, all did.
  const several = steps.some((step) => step.op === "link.del" && named.has(step.args.name));
  return steps.flatMap((step) =>
    refusalOf(step, several && step.op === "link.del" ? named.get(step.args.name) : outcome, netns),
  );
}

/** A step that was refused, unless it is a removal of what was gone already. */
export function refusalOf(step: Step, refusal: Refusal | undefined, netns: string): readonly FailedStep[] {
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

/** True for steps that want something to be gone. */
export function removes(step: Step): boolean {
  return step.op.endsWith(".del") || step.op === "wireguard.unpeer";
}

function at(target: string, netns: string): string {
  return netns === HOST ? target : `${target} in ${netns}`;
}

/** Remembers the ports that are about to be made of other people's links: before, so that a crash leaves none unknown. */
async function rememberAdoptions({ records, namespaces }: ObserveContext, steps: readonly Step[]): Promise<void> {
  const moves = Map.groupBy(
    masterChanges(steps).filter(({ master }) => master !== null),
    ({ netns }) => netns,
  );
  for (const [netns, places] of moves) {
    const foreign = await foreignLinks(namespaces.netlink(netns));
    for (const { name } of places) {
      const index = foreign.get(name);
      if (index !== undefined) records.setAdopted(netns, name, index);
    }
  }
  if (moves.size > 0) await records.save();
}

/** Links that are not ours, with their numbers; none of a namespace that cannot be reached, which the request then tells. */
async function foreignLinks(opening: Promise<Netlink>): Promise<ReadonlyMap<string, number>> {
  try {
    const { links } = await (await opening).dump("links");
    return new Map(links.flatMap(({ name, index, group }) => (group === OWNER.linkGroup ? [] : [[name, index]])));
  } catch {
    return new Map();
  }
}

function forgetReleased(records: Records, steps: readonly Step[]): void {
  for (const { netns, name, master } of masterChanges(steps))
    if (master === null) records.setAdopted(netns, name, undefined);
}

/**
 * Forgets where WireGuard devices were born that are made anew, before they are, and remembers it afterwards. A crash in between
 * leaves one of which nothing is known: should it have been born elsewhere, the next pass makes it once more.
 */
async function forgetBirths(records: Records, steps: readonly Step[]): Promise<void> {
  const births = wireguardBirths(steps);
  for (const { netns, name } of births) records.setBirth(netns, name, undefined);
  if (births.length > 0) await records.save();
}

async function rememberBirths(records: Records, steps: readonly Step[]): Promise<void> {
  for (const { netns, name, bornIn = HOST } of wireguardBirths(steps)) {
    const inode = bornIn === HOST ? undefined : await netnsInode(bornIn);
    if (inode !== undefined) records.setBirth(netns, name, { netns: bornIn, inode });
  }
}

function wireguardBirths(
  steps: readonly Step[],
): readonly { readonly netns: string; readonly name: string; readonly bornIn?: string }[] {
  return steps.flatMap(({ op, args }) => (op === "link.add" && args.type === "wireguard" ? [args] : []));
}

function masterChanges(steps: readonly Step[]): readonly StepArguments["link.set"][] {
  return steps.flatMap(({ op, args }) => (op === "link.set" && args.master !== undefined ? [args] : []));
}
