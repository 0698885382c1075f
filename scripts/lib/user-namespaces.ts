import { spawnSync } from "node:child_process";

/**
 * Why this user cannot make a user namespace with rights in it (user_namespaces(7)), which some systems forbid to all but root;
 * undefined when it can. Tried rather than read from the sysctls that forbid it, since there are several and a profile may allow it.
 */
export function userNamespaceProblem(bwrap: string): string | undefined {
  const argv = ["--unshare-user", "--unshare-net", "--ro-bind", "/", "/", "--", "true"];
  const { status, stderr, error } = spawnSync(bwrap, argv, { encoding: "utf8" });
  if (status === 0) return undefined;
  return (error?.message ?? stderr.trim()) || `${bwrap} ended with status ${status}`;
}

/** What to do about it, for the message of whoever needs one. */
export const allowUserNamespaces: string =
  "allow them to this user (kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu, kernel.unprivileged_userns_clone=1 on older Debian), or run it as root";
