import { rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "../../lib/async.ts";
import { NetloomError, isGone } from "../../lib/errors.ts";
import { shortHash } from "../../lib/hash.ts";

/** Where every service has a cgroup of its own, so that nothing it started outlives it. */
const CGROUPS = "/sys/fs/cgroup/netloom";
/** The service directories of the daemon that the image runs; its cgroups have the plain names of the services. */
const USUAL_SERVICES = "/run/netloom/services";

/** The control group of a service. Daemons side by side may have services of one name, and must not end each other's. */
export function cgroupOf(services: string, name: string): string {
  return join(CGROUPS, services === USUAL_SERVICES ? name : `${name}@${shortHash(services, 8)}`);
}

/** Ends everything in a control group (cgroup.kill, kernel cgroup-v2); where there is none there is nothing to do. */
export async function killCgroup(cgroup: string): Promise<void> {
  await writeFile(join(cgroup, "cgroup.kill"), "1").catch(() => undefined);
}

/** Ends what is left in a cgroup and removes it; where there is no cgroup there is nothing to do. */
export async function removeCgroup(cgroup: string): Promise<void> {
  await killCgroup(cgroup);
  // It can go once the last process in it has been reaped.
  const removed = await until(
    async () =>
      await rmdir(cgroup).then(
        () => true,
        (error: unknown) => (isGone(error) ? true : undefined),
      ),
    { timeoutMs: 2000, intervalMs: 10 },
  );
  if (removed === undefined)
    throw new NetloomError({
      code: "failed",
      op: "remove the control group",
      target: cgroup,
      why: "processes in it do not end",
      hint: `look at ${cgroup}/cgroup.procs`,
    });
}
