/** `modules.dep` of depmod(8): module path -> paths it needs, nearest first. */
export function parseModulesDep(text: string): Map<string, readonly string[]> {
  const modules = new Map<string, readonly string[]>();
  for (const line of text.split("\n")) {
    const [path, needs = ""] = line.split(":");
    if (path !== undefined && path !== "") modules.set(path, needs.split(" ").filter(Boolean));
  }
  return modules;
}

/**
 * The modules that a pattern matches, and what they need. Patterns are paths below `kernel/`: a directory ends in `/`, a
 * module has no suffix. A later pattern wins over an earlier one; a leading `-` leaves modules out.
 */
export function selectModules(modules: ReadonlyMap<string, readonly string[]>, patterns: readonly string[]): string[] {
  const selected = new Set<string>();
  for (const path of modules.keys()) {
    const bare = bareName(path);
    let keep = false;
    for (const pattern of patterns) {
      const body = pattern.replace(/^-/, "");
      if (body.endsWith("/") ? bare.startsWith(body) : bare === body) keep = !pattern.startsWith("-");
    }
    if (keep) for (const one of [path, ...(modules.get(path) ?? [])]) selected.add(one);
  }
  return [...selected].toSorted();
}

/** Named modules with everything they need, each after what it needs: the order for insmod(8). */
export function loadOrder(modules: ReadonlyMap<string, readonly string[]>, names: readonly string[]): string[] {
  const byName = new Map([...modules.keys()].map((path) => [bareName(path).replace(/^.*\//, ""), path]));
  const order: string[] = [];
  for (const name of names) {
    const path = byName.get(name);
    // Built into this kernel.
    if (path === undefined) continue;
    // depmod lists the nearest dependency first, so the reverse is the order to load in.
    for (const one of [...(modules.get(path) ?? []).toReversed(), path]) if (!order.includes(one)) order.push(one);
  }
  return order;
}

/** `kernel/net/bridge/bridge.ko.xz` -> `net/bridge/bridge`. */
function bareName(path: string): string {
  return path.replace(/^kernel\//, "").replace(/\.ko(\.\w+)?$/, "");
}
