import { watch, type FSWatcher } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { readIfExists } from "../lib/atomic-file.ts";
import { DEPRECATED } from "../model/kernel.ts";
import type { Leases } from "./host.ts";
import { parseLease4, parseLease6 } from "./lease-report.ts";

/** The leases in a directory that the DHCP clients' report scripts write, `NIC.4` and `NIC.6`; what has expired is left out. */
export async function readLeases(directory: string, uptime: number): Promise<Leases> {
  await mkdir(directory, { recursive: true });
  const names = await readdir(directory);
  const read = async <T>(
    suffix: string,
    parse: (nic: string, text: string) => T | undefined,
  ): Promise<readonly T[]> => {
    const files = names.filter((name) => name.endsWith(suffix));
    const texts = await Promise.all(files.map((name) => readIfExists(join(directory, name))));
    return files.flatMap((name, at) => parse(name.slice(0, -suffix.length), texts[at] ?? "") ?? []);
  };
  const [v4, v6] = await Promise.all([read(".4", parseLease4), read(".6", parseLease6)]);
  const aged = <T extends { readonly preferredUntil: number }>(one: T): T =>
    one.preferredUntil > uptime ? one : { ...one, preferredUntil: DEPRECATED };
  const holds = ({ validUntil }: { readonly validUntil: number }): boolean => validUntil > uptime;
  return {
    v4: v4.filter((lease) => lease.expiresAt > uptime),
    v6: v6
      .filter(({ doubtedUntil = Infinity }) => doubtedUntil > uptime)
      .map((lease) => ({
        ...lease,
        addresses: lease.addresses.filter(holds).map(aged),
        prefixes: lease.prefixes.filter(holds).map(aged),
      })),
  };
}

/** Calls back when something in a directory may have changed. Events come double and late at times: they are hints, no more. */
export function watchDirectory(directory: string, onChange: (name: string | null) => void): FSWatcher {
  const watcher = watch(directory, { persistent: false }, (_event, name) => onChange(name));
  watcher.on("error", () => onChange(null));
  return watcher;
}
