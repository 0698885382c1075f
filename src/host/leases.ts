import { watch, type FSWatcher } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { readIfExists } from "../lib/atomic-file.ts";
import { canonicalAddress, formatCidr, parseCidr } from "../lib/ip.ts";
import type { LeaseFact } from "../model/facts.ts";

/** The leases in a directory that the DHCP clients' report script writes (`plan/dhcp-client.ts`). */
export async function readLeases(directory: string, uptime: number): Promise<readonly LeaseFact[]> {
  await mkdir(directory, { recursive: true });
  const names = (await readdir(directory)).filter((name) => !name.endsWith(".new"));
  const leases = await Promise.all(
    names.map(async (nic) => parseLease(nic, (await readIfExists(join(directory, nic))) ?? "")),
  );
  return leases.filter((lease) => lease !== undefined).filter((lease) => lease.expiresAt > uptime);
}

/** Parses one report; anything that is not exactly what the script writes is no lease. */
export function parseLease(nic: string, text: string): LeaseFact | undefined {
  const fields = new Map(
    text.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
  const address = parseCidr(`${fields.get("ip") ?? ""}/${fields.get("prefix") ?? ""}`);
  const [obtainedAt, expiresAt] = [Number(fields.get("obtained")), Number(fields.get("expires"))];
  if (address?.family !== 4 || !(expiresAt > obtainedAt)) return undefined;
  const router = canonicalAddress(fields.get("router") ?? "");
  const server = canonicalAddress(fields.get("server") ?? "");
  return {
    nic,
    address: formatCidr(address),
    ...(router === undefined ? {} : { router }),
    ...(server === undefined ? {} : { server }),
    dns: addresses(fields.get("dns")),
    ntp: addresses(fields.get("ntp")),
    obtainedAt,
    expiresAt,
  };
}

/** Calls back when something in a directory may have changed. Events come double and late at times: they are hints, no more. */
export function watchDirectory(directory: string, onChange: () => void): FSWatcher {
  const watcher = watch(directory, { persistent: false }, onChange);
  watcher.on("error", onChange);
  return watcher;
}

function addresses(text: string | undefined): readonly string[] {
  return (text ?? "").split(" ").flatMap((word) => canonicalAddress(word) ?? []);
}
