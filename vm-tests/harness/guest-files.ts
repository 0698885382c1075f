import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { AgentClient } from "./agent-client.ts";
import type { GuestFiles } from "./topology.ts";

/** Lays files over the root of a guest in its early stage, with the directories that they need. */
export async function layFiles(agent: AgentClient, files: GuestFiles): Promise<void> {
  const directories = new Set(Object.keys(files).map((path) => dirname(path)));
  if (directories.size === 0) return;
  await agent.exec(["/usr/bin/busybox", "mkdir", "-p", ...directories]);
  for (const [path, file] of Object.entries(files)) {
    const spec = typeof file === "string" ? { content: file } : file;
    await agent.writeFile(path, "from" in spec ? await readFile(spec.from) : spec.content, spec.mode);
  }
}
