import { readFileSync, realpathSync } from "node:fs";

/** File systems whose content a reboot loses. */
const MEMORY = new Set(["tmpfs", "ramfs", "rootfs"]);

/**
 * Where a directory is kept: "in memory", "on disk /dev/vda". The image's root is an overlay over memory, and so is what no disk is
 * mounted for on an `appliance`.
 */
export function whereKept(directory: string, appliance: boolean): string {
  return keptBy(readFileSync("/proc/self/mountinfo", "utf8"), realpathSync(directory), appliance);
}

/** The same by the text of proc_pid_mountinfo(5). */
export function keptBy(mounts: string, directory: string, appliance: boolean): string {
  const mounted = mounts.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const point = unescape(before.split(" ")[4] ?? "");
    const [type = "", source = ""] = after.split(" ");
    return directory === point || directory.startsWith(point === "/" ? "/" : `${point}/`)
      ? [{ point, type, source: unescape(source) }]
      : [];
  });
  // The longest, and of several at one place the last, which covers the others.
  const best = mounted.reduce((a, b) => (b.point.length >= a.point.length ? b : a), {
    point: "",
    type: "",
    source: "",
  });
  if (MEMORY.has(best.type) || (appliance && best.type === "overlay")) return "in memory";
  return best.source.startsWith("/") ? `on disk ${best.source}` : `on ${best.source} (${best.type})`;
}

/** Blanks and the like are octal there: "\040". */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/gu, (_all, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)));
}
