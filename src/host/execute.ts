import { describeError, isGone, NetloomError } from "../lib/errors.ts";
import { HOST, OWNER, type WireguardPeerSpec } from "../model/kernel.ts";
import { visitStep, type Step, type StepArguments, type StepTable } from "../model/step.ts";
import { nftHash, processHash } from "../model/definition-hash.ts";
import { netnsCreate, netnsDelete, sysctlSet, type Netlink } from "./addon.ts";
import { netnsPath } from "./exec.ts";
import type { FailedStep } from "./host.ts";
import { netlinkStep, type NetlinkStep } from "./link-requests.ts";
import type { WireguardConfig, WireguardPeerChange } from "./netlink-types.ts";
import { deleteTable, loadTable } from "./nft.ts";
import type { ObserveContext } from "./observe.ts";
import type { Records } from "./records.ts";

/** Errnos that mean "it was gone already", which is what a removal wanted. */
const GONE = new Set(["ENOENT", "ENODEV", "ESRCH", "EADDRNOTAVAIL"]);

/** Takes the steps in order; neighbours that are netlink requests of one namespace go as one batch. */
export async function execute(context: ObserveContext, steps: readonly Step[]): Promise<readonly FailedStep[]> {
  const failed: FailedStep[] = [];
  const others = executors(context);
  for (let next = 0; next < steps.length;) {
    const batch = batchFrom(steps, next);
    if (batch.length > 0) {
      failed.push(...(await sendBatch(context, batch)));
      next += batch.length;
      continue;
    }
    const step = steps[next];
    next += 1;
    if (step === undefined) continue;
    try {
      await visitStep(others, step);
    } catch (error) {
      if (!(removes(step) && isGone(error)))
        failed.push({ step, error: error instanceof Error ? error : new Error(String(error)) });
    }
  }
  await context.records.save();
  return failed;
}

interface Batched extends NetlinkStep {
  readonly step: Step;
}

function batchFrom(steps: readonly Step[], start: number): readonly Batched[] {
  const batch: Batched[] = [];
  for (const step of steps.slice(start)) {
    const request = netlinkStep(step);
    if (request === undefined || (batch[0] !== undefined && batch[0].netns !== request.netns)) break;
    batch.push({ step, ...request });
  }
  return batch;
}

async function sendBatch(context: ObserveContext, batch: readonly Batched[]): Promise<readonly FailedStep[]> {
  const netns = batch[0]?.netns ?? HOST;
  try {
    const netlink = await context.namespaces.netlink(netns);
    await rememberAdoptions(context.records, netlink, batch);
    const outcomes = await netlink.batch(batch.map(({ request }) => request));
    forgetReleased(context.records, batch);
    return batch.flatMap(({ step }, index) => {
      const outcome = outcomes[index];
      if (outcome === undefined || outcome.ok || (removes(step) && GONE.has(outcome.code))) return [];
      return [
        {
          step,
          error: new NetloomError({
            code: outcome.code,
            op: outcome.op,
            target: at(outcome.target, netns),
            why: outcome.message,
          }),
        },
      ];
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
  const batched = (): Promise<void> => Promise.reject(new TypeError("a netlink step outside a batch"));
  const setWireguard = async (netns: string, dev: string, config: WireguardConfig): Promise<void> => {
    await (await namespaces.netlink(netns)).wireguardSet(dev, config);
  };
  return {
    "netns.add": async ({ name }) => {
      namespaces.close(name);
      await netnsCreate(name, context.netnsMark);
    },
    "netns.del": async ({ name }) => {
      // Sockets of ours would keep the namespace alive.
      namespaces.close(name);
      records.forgetNetns(name);
      await netnsDelete(name);
    },
    "sysctl.set": ({ netns, key, value }) => sysctlSet(netns === HOST ? null : netnsPath(netns), key, value),
    "nft.load": async (spec) => {
      await loadTable(spec, nftHash(spec));
      records.setNftGeneration(spec.netns, (await (await namespaces.netlink(spec.netns)).nftTables()).generation);
    },
    "nft.del": ({ netns, family, table }) => deleteTable(netns, family, table),
    "wireguard.device": ({ netns, dev, privateKey, listenPort }) =>
      setWireguard(netns, dev, { privateKey: privateKey.reveal(), listenPort }),
    "wireguard.peer": async ({ netns, dev, peer }) => {
      await setWireguard(netns, dev, { peers: [peerChange(peer)] });
      if (peer.endpoint !== undefined) records.setGivenEndpoint(netns, dev, peer.publicKey, peer.endpoint);
    },
    "wireguard.unpeer": async ({ netns, dev, publicKey }) => {
      records.setGivenEndpoint(netns, dev, publicKey, undefined);
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

function peerChange({ publicKey, endpoint, allowedIps, keepalive }: WireguardPeerSpec): WireguardPeerChange {
  return { publicKey, allowedIps, persistentKeepalive: keepalive, ...(endpoint === undefined ? {} : { endpoint }) };
}
