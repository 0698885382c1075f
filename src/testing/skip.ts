import { spawnSync } from "node:child_process";
import test, { type ImplementationFn } from "ava";

/**
 * A test that runs only where `condition` holds. Elsewhere it is skipped, counted as such, and its title says why.
 */
export function testIf(
  condition: boolean,
  reason: string,
): (title: string, implementation: ImplementationFn<[]>) => void {
  return (title, implementation) => {
    if (condition) test(title, implementation);
    else test.skip(`${title} (skipped: ${reason})`, implementation);
  };
}

/** True when the running kernel can make links of a kind, which options may follow; tried in a namespace that ends at once. */
export function kernelHasLink(kind: string): boolean {
  const argv = ["--net", "ip", "link", "add", "probe0", "type", ...kind.split(" ")];
  return spawnSync("unshare", argv, { stdio: "ignore" }).status === 0;
}
