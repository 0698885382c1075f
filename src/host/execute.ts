import { inTurn } from "../lib/async.ts";
import { isGone } from "../lib/errors.ts";
import { HOST } from "../model/kernel.ts";
import { visitStep, type PeerChange, type Step, type StepTable } from "../model/step.ts";
import { nftHash, processHash } from "../model/definition-hash.ts";
import { netnsDelete } from "./addon.ts";
import { removeFile, setFile } from "./files.ts";
import type { FailedStep } from "./host.ts";
import { loadTable } from "./nft.ts";
import type { ObserveContext } from "./observe.ts";
import { setParameters } from "./parameters.ts";
import { removes, sendRequests } from "./send.ts";
import type { WireguardConfig, WireguardPeerChange } from "./netlink-types.ts";

/**
 * Takes the steps: those that concern one namespace in their order. All netlink requests that follow each other go to the kernel in
 * one call; parameters, tables and peers of several namespaces are set side by side.
 */
export async function execute(context: ObserveContext, steps: readonly Step[]): Promise<readonly FailedStep[]> {
  const failed: FailedStep[] = [];
  const run = executors(context);
  const takeInTurn = async (own: readonly Step[]): Promise<void> => {
    for (const step of own) failed.push(...(await takeOne(run, step)));
  };
  try {
    for (const { way, steps: own } of stretches(steps)) {
      const byPlace = Map.groupBy(own, placeOf);
      if (way === "request") failed.push(...(await sendRequests(context, own)));
      else if (way === "parameter")
        await inTurn(
          byPlace,
          async ([netns, some]) => void failed.push(...(await setParameters(context.records, netns, some))),
        );
      else if (way === "within") await inTurn(byPlace, ([, some]) => takeInTurn(some));
      else await takeInTurn(own);
    }
  } finally {
    context.namespaces.release();
    await context.records.save();
  }
  return failed;
}

/** How steps are taken: as netlink requests, as kernel parameters, by an executor inside one namespace, or by one that others wait for. */
type Way = "request" | "parameter" | "within" | "alone";

const WAYS: { readonly [op in Step["op"]]: Way } = {
  "netns.add": "alone",
  "netns.del": "alone",
  "sysctl.set": "parameter",
  "nft.load": "within",
  "nft.del": "within",
  "wireguard.device": "within",
  "wireguard.peer": "within",
  "wireguard.unpeer": "within",
  "file.set": "alone",
  "file.del": "alone",
  "process.set": "alone",
  "process.del": "alone",
  "ovs.set": "alone",
  "ovs.unport": "alone",
  "ovs.del": "alone",
  "link.add": "request",
  "link.set": "request",
  "link.del": "request",
  "link.rename": "request",
  "link.port": "request",
  "vlan.add": "request",
  "vlan.del": "request",
  "neighbor.add": "request",
  "neighbor.del": "request",
  "fdb.add": "request",
  "fdb.del": "request",
  "address.add": "request",
  "address.del": "request",
  "route.add": "request",
  "route.del": "request",
  "rule.add": "request",
  "rule.del": "request",
};

/** Neighbours among the steps that are taken in the same way. */
function stretches(steps: readonly Step[]): readonly { readonly way: Way; readonly steps: readonly Step[] }[] {
  const found: { readonly way: Way; readonly steps: Step[] }[] = [];
  for (const step of steps) {
    const way = WAYS[step.op];
    const last = found.at(-1);
    if (last?.way === way) last.steps.push(step);
    else found.push({ way, steps: [step] });
  }
  return found;
}

function placeOf({ args }: Step): string {
  return "netns" in args ? args.netns : HOST;
}

async function takeOne(run: StepTable<Promise<void>>, step: Step): Promise<readonly FailedStep[]> {
  try {
    await visitStep(run, step);
    return [];
  } catch (error) {
    return removes(step) && isGone(error) ? [] : [{ step, error: asError(error) }];
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** What the executors of steps that are no single netlink request do. The others go in batches. */
function executors(context: ObserveContext): StepTable<Promise<void>> {
  const { namespaces, records, supervisor, ovs } = context;
  const batched = (): Promise<void> => Promise.reject(new TypeError("a step of a batch outside one"));
  const setWireguard = async (netns: string, dev: string, config: WireguardConfig): Promise<void> => {
    await (await namespaces.netlink(netns)).wireguardSet(dev, config);
  };
  return {
    "netns.add": ({ name }) => namespaces.create(name, context.netnsMark),
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
    "file.set": (spec) => setFile(context.fileMark, spec),
    "file.del": ({ path }) => removeFile(context.fileMark, path),
    "process.set": (spec) => supervisor.set(spec, processHash(spec)),
    "process.del": ({ name, keep }) => supervisor.remove(name, keep),
    "ovs.set": (args) => ovs.set(args),
    "ovs.unport": (args) => ovs.unport(args),
    "ovs.del": (args) => ovs.remove(args),
    "link.add": batched,
    "link.set": batched,
    "link.del": batched,
    "link.rename": batched,
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
