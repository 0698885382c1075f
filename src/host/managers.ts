import { readdir, readFile } from "node:fs/promises";

/** Programs that manage links, addresses or firewalls of a machine by themselves, by the name in /proc/PID/comm (15 characters). */
const MANAGERS: ReadonlySet<string> = new Set([
  "NetworkManager",
  "systemd-network",
  "connmand",
  "wickedd",
  "dhcpcd",
  "dhclient",
  "netplan",
  "ifplugd",
  "dockerd",
  "firewalld",
  "keepalived",
]);

/** The managers that run now, "NetworkManager (pid 700)" each. Of who changed a link the kernel tells nothing; these are the suspects. */
export async function runningManagers(): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/u.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      // One that ended meanwhile is none.
      const name = (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
      return MANAGERS.has(name) ? [`${name} (pid ${pid})`] : [];
    }),
  );
  return found.flat();
}
