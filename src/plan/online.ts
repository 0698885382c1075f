import { familyOf, isEverything } from "../lib/ip.ts";
import type { Uplink } from "../model/facts.ts";
import { HOST } from "../model/kernel.ts";
import type { OnlineCheck, OnlineChecks } from "../model/report.ts";
import type { Step } from "../model/step.ts";
import type { Compiled } from "./compile.ts";
import { explain } from "./explain.ts";

const NONE: OnlineCheck = { ok: false, why: "no NIC is chosen yet" };

/** Each part of being online, by what was compiled and the steps that are still open after the pass. */
export function onlineChecks({ uplink, settings, choice }: Compiled, open: readonly Step[]): OnlineChecks {
  const targets = settings.checks.value;
  if (uplink === null) return { address: NONE, route: NONE, check: targets.length === 0 ? null : NONE };
  const { addresses, gateways } = choice.moved ? withoutAdvertised(uplink) : uplink;
  const mine = open.filter((step) => concerns(step, uplink));
  const link = mine.find(({ op }) => op === "link.add" || op === "link.set");
  const noAddress = mine.find(({ op }) => op === "address.add");
  const noRoute = mine.find(({ op, args }) => op === "route.add" && "to" in args && isEverything(args.to));
  // One that works is enough, whatever else cannot be had.
  const held = addresses.filter((address) => !mine.some((step) => adds(step, "address", address)));
  const families = new Set(held.map(familyOf));
  const ways = gateways.filter((via) => families.has(familyOf(via)) && !mine.some((step) => adds(step, "via", via)));
  return {
    address: part(uplink, "an address", link === undefined ? held : [], link ?? noAddress),
    route: !uplink.nic.carrier
      ? { ok: false, why: `${uplink.nic.name} has no carrier` }
      : part(
          uplink,
          "a default route",
          link === undefined ? ways.map((via) => `via ${via}`) : [],
          link ?? (gateways.length === 0 ? undefined : (noRoute ?? noAddress)),
        ),
    check: targets.length === 0 ? null : checked(uplink, targets),
  };
}

/** True when all parts hold, or the node is to have no uplink. */
export function isOnline({ wantsUplink }: Compiled, { address, route, check }: OnlineChecks): boolean {
  return !wantsUplink || (address.ok && route.ok && check?.ok !== false);
}

/** What is missing, in words; of a node that is online nothing is. */
export function missing({ address, route, check }: OnlineChecks): string {
  return [address, route, check].find((one) => one?.ok === false)?.why ?? "nothing is missing";
}

function part({ link, nic }: Uplink, what: string, all: readonly string[], stuck: Step | undefined): OnlineCheck {
  if (all.length > 0) return { ok: true, why: `${all.join(" ")} on ${link}` };
  if (stuck !== undefined) return { ok: false, why: `this cannot be done: ${explain(stuck)}` };
  return { ok: false, why: `${nic.name} has not got ${what} yet` };
}

/** A step that is still to make this address, or the default route by this router. */
function adds({ op, args }: Step, what: "address" | "via", value: string): boolean {
  if (what === "address") return op === "address.add" && args.address === value;
  return op === "route.add" && isEverything(args.to) && args.via === value;
}

/** What the kernel makes of advertisements is not there before it has heard one on the link itself. */
function withoutAdvertised({ nic, addresses, gateways }: Uplink): Pick<Uplink, "addresses" | "gateways"> {
  const { lease4, ra } = nic.probe ?? {};
  return {
    addresses: addresses.filter((address) => ra?.addresses.includes(address) !== true),
    gateways: gateways.filter((via) => via !== ra?.router || via === lease4?.router),
  };
}

function checked({ nic }: Uplink, targets: readonly string[]): OnlineCheck {
  const results = targets.map((target) => ({ target, result: nic.probe?.checks?.find(({ name }) => name === target) }));
  const failed = results.find(({ result }) => result?.passed !== true);
  if (failed === undefined) return { ok: true, why: `${targets.join(" ")} answered` };
  return { ok: false, why: `${failed.target} ${failed.result?.detail ?? "is not asked yet"}` };
}

function concerns({ args }: Step, { nic, link }: Uplink): boolean {
  if (!("netns" in args) || args.netns !== HOST) return false;
  const name = "dev" in args ? args.dev : "name" in args ? args.name : undefined;
  return name === link || name === nic.name;
}
