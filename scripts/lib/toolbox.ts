import { stat } from "node:fs/promises";
import { readAptHost } from "./apt-host.ts";
import { type CacheEntry, cached, entryDir } from "./cache.ts";
import { contentHash } from "./content-hash.ts";
import { bootstrapTools } from "./bootstrap-tools.ts";
import { handBackOutputs } from "./ownership.ts";
import { askForRoot, asRoot } from "./privilege.ts";
import { run } from "./process.ts";
import { type StepContext, say, step } from "./progress.ts";

/** The release of the toolbox and of the image. */
export const suite = "trixie";

/** What the toolbox has, by what needs it. */
const packages: readonly string[] = [
  // the image: built by mkosi, packed as erofs in an initramfs
  ...["mkosi", "erofs-utils", "cpio", "zstd", "kmod", "debian-archive-keyring", "ca-certificates"],
  // the lab
  ...["qemu-system-x86", "ovmf", "ipxe-qemu", "e2fsprogs", "tcpdump"],
  // what the daemon drives on a node, for the tests in network namespaces
  ...[
    "busybox",
    "s6",
    "udhcpc",
    "dhcpcd-base",
    "dnsmasq-base",
    "nftables",
    "openvswitch-switch",
    "valkey-server",
    "nats-server",
  ],
  ...["wireguard-tools", "iproute2", "iputils-ping", "procps"],
  // a provider that delegates prefixes, which dnsmasq cannot
  "isc-dhcp-server",
  // what `npm run bench` measures us against
  ...["containernetworking-plugins", "netavark"],
  // the addon and the agent, linked against this release's glibc
  ...["gcc", "libc6-dev", "binutils"],
];

/** Raise when the way of making the root changes: the content hash of the packages alone would not tell. */
const recipe = "2";

function toolboxHash(): Promise<string> {
  return contentHash({ root: "/", paths: [], values: [suite, "amd64", recipe, ...packages] });
}

/** Where the toolbox is. @throws when it was not made yet (`ensureToolbox` makes it). */
export async function toolboxRoot(): Promise<string> {
  const dir = entryDir("toolbox", await toolboxHash());
  await stat(dir).catch((cause: unknown) => {
    throw new Error("there is no toolbox yet: run `npm run setup`", { cause });
  });
  return dir;
}

/** Makes the toolbox unless it is there: a Debian root with everything that must be the same on every host. */
export async function ensureToolbox(): Promise<{ readonly root: string }> {
  // Inside of it there is nothing to make.
  if (process.env["NETLOOM_TOOLBOX"] !== undefined) return { root: "/" };
  // An interrupted run may have left files of root's.
  await handBackOutputs();
  const hash = await toolboxHash();
  const entry = await step("toolbox", async (context): Promise<CacheEntry> => {
    return cached("toolbox", hash, (dir) => makeRoot(dir, context), 2);
  });
  return { root: entry.dir };
}

async function makeRoot(dir: string, context: StepContext): Promise<void> {
  askForRoot();
  const tools = await bootstrapTools();
  const host = await readAptHost();
  // A mirror that wants a password has it in its address.
  const shown = host.mirror?.replace(/\/\/[^/@]*@/, "//") ?? "the default mirror";
  say("toolbox", `making a Debian ${suite} root from ${shown}`);
  // In mount and pid namespaces of its own nothing of it stays mounted or running when it is interrupted.
  const bind = ["--dev-bind", "/", "/", "--proc", "/proc"];
  const own = [tools.bwrap, ...bind, "--unshare-pid", "--die-with-parent", "--cap-add", "ALL", "--"];
  await run(asRoot([...own, ...mmdebstrap(tools.mmdebstrap, dir, host)]), { log: context.log, onLine: context.note });
  // Places that the toolbox's own mounts need.
  await run(asRoot(["touch", `${dir}/etc/resolv.conf`, `${dir}/etc/hosts`]));
  // Every toolbox is the same machine.
  await run(asRoot(["tee", `${dir}/etc/machine-id`]), { input: `${"6e65746c6f6f6d".padEnd(32, "0")}\n` });
}

function mmdebstrap(program: string, dir: string, host: Awaited<ReturnType<typeof readAptHost>>): string[] {
  return [
    ...[program, "--variant=apt", "--mode=root", "--architectures=amd64", "--format=directory"],
    "--keyring=/usr/share/keyrings/debian-archive-keyring.gpg",
    '--aptopt=Acquire::Languages "none"',
    ...host.options.map((option) => `--aptopt=${option.replace(/;$/, "")}`),
    ...["man", "doc", "locale", "info"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    `--include=${packages.join(",")}`,
    ...[suite, dir, ...(host.mirror === undefined ? [] : [host.mirror])],
  ];
}
