import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Launcher } from "./launcher.ts";

const PLACE = "/run/netloom-bench-script";

/** The veth pair born in its place, address and route: three runs of `ip`, and the bridge is there. */
const ATTACH = `set -e
ip link add "$2" address "$3" master benchsh up type veth peer name eth0 address "$4" netns "$1"
ip -n "$1" link set eth0 up
ip -n "$1" address add "$5" dev eth0
ip -n "$1" route add default via 10.90.0.1 dev eth0
`;

const DETACH = `ip link delete "$2"
`;

/** A network resource without WireGuard, step by step as \`netloom plan\` prints it. */
const NR_CREATE = `set -e
n=$1
ip link add "r$n" up type bridge
ip link add "m$n" up type bridge
ip netns add "n$n"
sysctl -qw "net.ipv6.conf.r$n.disable_ipv6=1" "net.ipv6.conf.m$n.disable_ipv6=1"
ip netns exec "n$n" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip link add "p$n" master "r$n" up type veth peer name private netns "n$n"
ip link add "y$n" master "m$n" up type veth peer name mycelium netns "n$n"
ip -n "n$n" link set lo up
ip -n "n$n" link set private up
ip -n "n$n" link set mycelium up
ip -n "n$n" address add "$2" dev private
ip netns exec "n$n" nft -f "$3"
`;

const NR_DELETE = `ip netns delete "n$1"
ip link delete "r$1"
ip link delete "m$1"
`;

const NR_RULES = `table inet bench {
  chain input {
    type filter hook input priority 0; policy accept;
    ct state established,related accept
    ct state invalid drop
  }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    ct state invalid drop
  }
  chain clamp {
    type filter hook forward priority -150; policy accept;
    tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
  }
}
`;

const FILES = { attach: ATTACH, detach: DETACH, "nr-create": NR_CREATE, "nr-delete": NR_DELETE, rules: NR_RULES };

/** A shell script with \`ip\`, \`sysctl\` and \`nft\`, which is what an administrator writes. Debian's \`sh\` is the quick one (dash). */
export class ShellScript implements AsyncDisposable {
  readonly #shell: Launcher;

  private constructor(shell: Launcher) {
    this.#shell = shell;
  }

  static async open(): Promise<ShellScript> {
    await mkdir(PLACE, { recursive: true });
    for (const [name, text] of Object.entries(FILES)) await writeFile(join(PLACE, name), text);
    const shell = new Launcher();
    await shell.run("ip link add benchsh up type bridge && ip address add 10.90.0.1/16 dev benchsh");
    return new ShellScript(shell);
  }

  /** Attaches `eth0` in a named namespace. */
  async add(netns: string, n: number): Promise<void> {
    await this.#shell.run(attach(netns, n));
  }

  async addAll(netns: readonly (readonly [name: string, n: number])[]): Promise<void> {
    await this.#shell.runAtOnce(netns.map(([name, n]) => attach(name, n)));
  }

  async remove(netns: string, n: number): Promise<void> {
    await this.#shell.run(script("detach", netns, `vs${n}`));
  }

  /** Creates a network resource `n` without WireGuard. */
  async createResource(n: number): Promise<void> {
    await this.#shell.run(script("nr-create", `s${n}`, `10.91.${n % 250}.1/24`, join(PLACE, "rules")));
  }

  async deleteResource(n: number): Promise<void> {
    await this.#shell.run(script("nr-delete", `s${n}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shell.run("ip link delete benchsh");
    await this.#shell[Symbol.asyncDispose]();
    await rm(PLACE, { recursive: true });
  }
}

function attach(netns: string, n: number): string {
  const low = n.toString(16).padStart(4, "0");
  const mac = (first: string): string => `${first}:00:00:00:${low.slice(0, 2)}:${low.slice(2)}`;
  const address = `10.90.${1 + Math.floor(n / 250)}.${1 + (n % 250)}/16`;
  return script("attach", netns, `vs${n}`, mac("06"), mac("02"), address);
}

/** The arguments are plain words of ours. */
function script(name: keyof typeof FILES, ...args: readonly string[]): string {
  return ["sh", join(PLACE, name), ...args].join(" ");
}
