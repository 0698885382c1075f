import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type AptEntry, carriedOptions, debianMirror, parseDeb822, parseOneLine } from "./mirror.ts";
import { findProgram } from "./privilege.ts";
import { run } from "./process.ts";

/** How this host reaches Debian packages. `mirror` is absent where apt knows no Debian archive: a tool's default serves. */
export type AptHost = { readonly mirror: string | undefined; readonly options: readonly string[] };

/** Reads the host's apt configuration; `NETLOOM_MIRROR` wins over it. */
export async function readAptHost(): Promise<AptHost> {
  const named = process.env["NETLOOM_MIRROR"];
  const mirror = named !== undefined && named !== "" ? named : debianMirror(await readEntries("/etc/apt"));
  const config = findProgram("apt-config");
  return { mirror, options: config === undefined ? [] : carriedOptions(await run([config, "dump"])) };
}

/**
 * The Debian archive that the image is filled from: the host's; or, where the host has none, the one that the tool
 * which made the toolbox chose by itself and wrote down in there.
 */
export async function imageMirror(host: AptHost, toolbox: string): Promise<string> {
  const mirror = host.mirror ?? debianMirror(await readEntries(join(toolbox, "etc/apt")));
  if (mirror === undefined) throw new Error("no Debian mirror is known here: name one in NETLOOM_MIRROR");
  return mirror;
}

async function readEntries(dir: string): Promise<AptEntry[]> {
  const parts = await readdir(join(dir, "sources.list.d")).catch((): string[] => []);
  const files = [join(dir, "sources.list"), ...parts.toSorted().map((name) => join(dir, "sources.list.d", name))];
  const entries: AptEntry[] = [];
  for (const file of files) {
    const parse = file.endsWith(".sources") ? parseDeb822 : file.endsWith(".list") ? parseOneLine : undefined;
    if (parse !== undefined) entries.push(...parse(await readFile(file, "utf8").catch(() => "")));
  }
  return entries;
}
