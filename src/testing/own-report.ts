import { stat } from "node:fs/promises";
import { join } from "node:path";
import { readIfExists } from "../lib/atomic-file.ts";
import type { TestNode } from "./test-node.ts";

/**
 * Waits until the DHCP client that runs as `service` now has reported by itself, and gives its report. A node is online by what was
 * given to its probe: the client of the bridge asks for that once more, and what comes of it may come seconds later. `report` is the
 * file's name, such as "up0.4".
 */
export async function ownReport(node: TestNode, service: string, report: string): Promise<string> {
  const file = join(node.runtimeDir, "leases", report);
  // A service writes its process id down before it becomes the client.
  const begun = join(node.runtimeDir, "services", service, "pid");
  return await node.sandbox.until(`a report of ${service}; the daemon said ${node.said()}`, async () => {
    const { processes } = await node.client.status();
    const pid = processes.find(({ name }) => name === service)?.pid;
    const [written, started] = [(await readIfExists(begun)) ?? "", await changedAt(begun)];
    if (written.split(" ")[0] !== `${pid}` || started === undefined) return undefined;
    const [reported, text] = [await changedAt(file), (await readIfExists(file)) ?? ""];
    // A lease that is doubted is one from before (plan/dhcp6-client.ts).
    return reported !== undefined && reported >= started && !text.includes("doubted=") ? text : undefined;
  });
}

/** Nanoseconds; undefined when there is no such file. */
async function changedAt(path: string): Promise<bigint | undefined> {
  return await stat(path, { bigint: true }).then(
    ({ mtimeNs }) => mtimeNs,
    () => undefined,
  );
}
