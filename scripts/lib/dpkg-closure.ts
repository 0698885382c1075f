/** One package of dpkg's status file: what it needs, in the order of preference of each alternative. */
export type Package = {
  readonly name: string;
  readonly depends: readonly (readonly string[])[];
  readonly provides: readonly string[];
};

/** Reads /var/lib/dpkg/status (deb822 stanzas); versions and architectures of relations are of no interest here. */
export function parseStatus(text: string): Map<string, Package> {
  const packages = new Map<string, Package>();
  for (const stanza of text.split(/\n\n+/)) {
    const field = (name: string): string => new RegExp(`^${name}: (.*)$`, "m").exec(stanza)?.[1] ?? "";
    const name = field("Package");
    if (name === "" || !field("Status").endsWith(" installed")) continue;
    const relations = (value: string): string[][] =>
      value
        .split(",")
        .map((group) => group.split("|").map((one) => one.trim().replace(/[ (:].*$/, "")))
        .filter((group) => group[0] !== "");
    packages.set(name, {
      name,
      depends: [...relations(field("Pre-Depends")), ...relations(field("Depends"))],
      provides: relations(field("Provides")).flat(),
    });
  }
  return packages;
}

/**
 * The wanted packages and all that they depend on, sorted. A package in `cut` and what only it needs stay out: tools for
 * installing things, which have no use in an image. @throws for a wanted package that is not installed.
 */
export function dependencyClosure(
  packages: ReadonlyMap<string, Package>,
  wanted: readonly string[],
  cut: ReadonlySet<string>,
): string[] {
  const providers = new Map<string, string>();
  for (const { name, provides } of packages.values()) for (const virtual of provides) providers.set(virtual, name);
  const find = (name: string): string | undefined => (packages.has(name) ? name : providers.get(name));
  const closure = new Set<string>();
  const open = [...wanted];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const found = packages.get(name);
    if (found === undefined) throw new Error(`package ${name} is wanted in the image but was not installed`);
    if (closure.has(name)) continue;
    closure.add(name);
    for (const alternatives of found.depends) {
      const next = alternatives.map(find).find((one) => one !== undefined);
      if (next !== undefined && !cut.has(next)) open.push(next);
    }
  }
  return [...closure].toSorted();
}
