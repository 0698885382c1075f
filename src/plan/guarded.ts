import type { Actual } from "../model/actual.ts";
import type { Uplink } from "../model/facts.ts";
import { HOST, TABLE_MAIN, type KernelObject, type Target } from "../model/kernel.ts";
import type { Compiled } from "./compile.ts";

/** The default routes, by family. */
const DEFAULTS: readonly string[] = ["0.0.0.0/0", "::/0"];

/**
 * A quick look before a thorough one: false when the documents `changed` (by id) want of the node's NICs, default routes and
 * rules what they wanted before. Most changes end here, without a look at the kernel.
 */
export function mayTouchNics(before: Compiled | null, after: Compiled, changed: ReadonlySet<string>): boolean {
  if (before === null) return true;
  // A NIC that a LAN takes is missing from the node's own part.
  const concerned = new Set(
    [...before.units.keys(), ...after.units.keys()].filter((id) => changed.has(id) || id.startsWith("Node ")),
  );
  const wishes = ({ units }: Compiled): string =>
    JSON.stringify(
      [...concerned]
        .flatMap((id) => aboutNics(units.get(id) ?? []))
        .map((object) => JSON.stringify(object))
        .toSorted(),
    );
  return wishes(before) !== wishes(after);
}

/** The wishes of a unit about NICs, about the bridges that they are ports of, and about what is plugged into these or stands on them. */
function aboutNics(unit: Target): readonly KernelObject[] {
  const nics = new Set(unit.flatMap((object) => (isNic(object) ? [object.name, object.master ?? object.name] : [])));
  return unit.filter((object) => {
    if (!("netns" in object) || object.netns !== HOST) return false;
    if (object.kind === "rule") return true;
    if (object.kind === "route" && DEFAULTS.includes(object.to)) return true;
    return (
      (object.kind === "link" &&
        [object.name, object.master, object.lower?.name].some((name) => name !== undefined && nics.has(name))) ||
      ("dev" in object && object.dev !== undefined && nics.has(object.dev))
    );
  });
}

function isNic(object: KernelObject): object is Extract<KernelObject, { kind: "link" }> {
  return object.kind === "link" && object.netns === HOST && object.type === "physical";
}

/**
 * The links by which the node reaches others: those of its best default routes, whoever made them, and the chosen uplink, each with the
 * NICs that are ports of it.
 */
export function uplinksOf(actual: Actual, chosen: Uplink | null): readonly string[] {
  const best = DEFAULTS.flatMap((to) => {
    const [route] = actual.route
      .filter((one) => one.netns === HOST && one.to === to && one.table === TABLE_MAIN && one.type === "unicast")
      .toSorted((a, b) => (a.metric ?? 0) - (b.metric ?? 0));
    return route === undefined ? [] : [route.dev, ...route.hops.map(({ dev }) => dev)];
  });
  const links = [...new Set([chosen?.link ?? null, ...best].filter((name) => name !== null))];
  const ports = actual.link.filter(
    ({ netns, master, owned }) => netns === HOST && !owned && master !== null && links.includes(master),
  );
  return [...new Set([...links, ...ports.map(({ name }) => name)])];
}
