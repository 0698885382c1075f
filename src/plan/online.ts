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
  const stuck = open.find((step) => concerns(step, uplink, ["link.add", "link.set", "address.add"]));
  return {
    address: held(uplink, "an address", addresses, stuck),
    route: !uplink.nic.carrier
      ? { ok: false, why: `${uplink.nic.name} has no carrier` }
      : held(
          uplink,
          "a default route",
          gateways.map((via) => `via ${via}`),
          stuck ?? open.find((step) => concerns(step, uplink, ["route.add"])),
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

function held({ link, nic }: Uplink, what: string, all: readonly string[], stuck: Step | undefined): OnlineCheck {
  if (all.length === 0) return { ok: false, why: `${nic.name} has not got ${what} yet` };
  if (stuck !== undefined) return { ok: false, why: `this cannot be done: ${explain(stuck)}` };
  return { ok: true, why: `${all.join(" ")} on ${link}` };
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

function concerns({ op, args }: Step, { nic, link }: Uplink, ops: readonly Step["op"][]): boolean {
  if (!ops.includes(op) || !("netns" in args) || args.netns !== HOST) return false;
  const name = "dev" in args ? args.dev : "name" in args ? args.name : undefined;
  return name === link || name === nic.name;
}
