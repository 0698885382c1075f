import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import type { ActualSysctl } from "../model/actual.ts";
import { HOST, type SysctlSpec, type Target } from "../model/kernel.ts";
import type { Step, StepArguments } from "../model/step.ts";
import { sysctlGet, sysctlSetMany } from "./addon.ts";
import { netnsPath } from "./exec.ts";
import type { FailedStep } from "./host.ts";
import type { Tables } from "./netlink-types.ts";
import type { Records } from "./records.ts";
import { refusalOf } from "./send.ts";

/** Parameters that are known by netlink, with their family. */
const FORWARDING: Readonly<Record<string, 4 | 6>> = {
  "net.ipv4.ip_forward": 4,
  "net.ipv4.conf.all.forwarding": 4,
  "net.ipv6.conf.all.forwarding": 6,
};

type ParameterWish = Pick<SysctlSpec, "key" | "atLeast">;

/**
 * The kernel parameters that a wish names, and those of other people's links that get their value back. With many namespaces a visit to /proc/sys costs a hundred times as much as netlink
 * (native/net/src/forwarding.rs), so it is made only for what `forwarding` does not tell.
 */
export async function observeSysctls(
  records: Records,
  netns: string,
  wish: Target,
  forwarding: Tables["forwarding"] = [],
): Promise<readonly ActualSysctl[]> {
  const wanted = wish.filter((object) => object.kind === "sysctl");
  const named = new Set(wanted.map(({ key }) => key));
  const before = records.parameters(netns);
  const borrowed = [...before.keys()].filter((key) => !named.has(key)).map((key): ParameterWish => ({ key }));
  const specs: readonly ParameterWish[] = [...wanted, ...borrowed];
  const told = (key: string): string | undefined =>
    forwarding.find(({ family }) => family === FORWARDING[key])?.value.toString();
  const keys = specs.map(({ key }) => key).filter((key) => told(key) === undefined);
  const values = keys.length === 0 ? {} : await sysctlGet(netns === HOST ? null : netnsPath(netns), keys);
  // Its link is gone, and with it what could get something back.
  for (const { key } of borrowed) if ((values[key] ?? null) === null) records.setParameter(netns, key, undefined);
  return await Promise.all(
    specs.map(async ({ key, atLeast }) => {
      const here = atLeast !== true || (await isWritable(key));
      return {
        netns,
        key,
        value: here ? (told(key) ?? values[key] ?? null) : null,
        before: records.parameters(netns).get(key) ?? null,
      };
    }),
  );
}

/** A limit of the whole machine can be read in every namespace, and be set in the first one only. */
async function isWritable(key: string): Promise<boolean> {
  return await access(join("/proc/sys", key.replaceAll(".", "/")), constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** Sets the parameters of one namespace, in one call. What somebody else's link had before is remembered first, so that a crash loses nothing. */
export async function setParameters(
  records: Records,
  netns: string,
  steps: readonly Step[],
): Promise<readonly FailedStep[]> {
  const wanted = steps.flatMap(({ op, args }) => (op === "sysctl.set" ? [args] : []));
  try {
    await borrow(records, netns, wanted);
    const outcomes = await sysctlSetMany(
      netns === HOST ? null : netnsPath(netns),
      wanted.map(({ key, value }) => [key, value] as const),
    );
    return steps.flatMap((step, index) => {
      const outcome = outcomes[index];
      const parameter = wanted[index];
      if (outcome?.ok === true && parameter?.givesBack === true) records.setParameter(netns, parameter.key, undefined);
      return refusalOf(step, outcome?.ok === false ? outcome : undefined, netns);
    });
  } catch (error) {
    return steps.map((step) => ({ step, error: error instanceof Error ? error : new Error(String(error)) }));
  }
}

async function borrow(records: Records, netns: string, wanted: readonly StepArguments["sysctl.set"][]): Promise<void> {
  const known = records.parameters(netns);
  const keys = wanted.filter(({ key, borrows }) => borrows === true && !known.has(key)).map(({ key }) => key);
  if (keys.length === 0) return;
  const values = await sysctlGet(netns === HOST ? null : netnsPath(netns), keys);
  for (const key of keys) {
    const value = values[key];
    if (value !== undefined && value !== null) records.setParameter(netns, key, value);
  }
  await records.save();
}
