import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Launcher } from "./launcher.ts";

const PLUGINS = "/usr/lib/cni";

/** Where a peer keeps what it needs: a tmpfs, which is the best that may happen to its address files. */
const PLACE = "/run/netloom-bench-cni";
const CONFIG = join(PLACE, "bridge.json");

/**
 * Debian's containernetworking-plugins: `bridge` with `host-local`, called as a container runtime does. Its best case: the bridge
 * and its address are there, no masquerading, address files in memory, namespaces given.
 */
export class CniBridge implements AsyncDisposable {
  readonly #shell: Launcher;

  private constructor(shell: Launcher) {
    this.#shell = shell;
  }

  static async open(): Promise<CniBridge> {
    await mkdir(PLACE, { recursive: true });
    const ipam = {
      type: "host-local",
      dataDir: join(PLACE, "ipam"),
      ranges: [[{ subnet: "10.88.0.0/16", gateway: "10.88.0.1" }]],
      routes: [{ dst: "0.0.0.0/0" }],
    };
    const network = { cniVersion: "1.0.0", name: "bench", type: "bridge", bridge: "benchcni", ipam };
    await writeFile(CONFIG, JSON.stringify(network));
    const shell = new Launcher();
    await shell.run("ip link add benchcni up type bridge && ip address add 10.88.0.1/16 dev benchcni");
    return new CniBridge(shell);
  }

  /** Attaches `eth0` in a named namespace. */
  async add(netns: string): Promise<void> {
    await this.#shell.run(call("ADD", netns));
  }

  /** Attaches in all of them at once. */
  async addAll(netns: readonly string[]): Promise<void> {
    await this.#shell.runAtOnce(netns.map((name) => call("ADD", name)));
  }

  async remove(netns: string): Promise<void> {
    await this.#shell.run(call("DEL", netns));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shell.run("ip link delete benchcni");
    await this.#shell[Symbol.asyncDispose]();
    await rm(PLACE, { recursive: true });
  }
}

function call(command: "ADD" | "DEL", netns: string): string {
  const env = `CNI_COMMAND=${command} CNI_CONTAINERID=${netns} CNI_NETNS=/run/netns/${netns} CNI_IFNAME=eth0`;
  return `${env} CNI_PATH=${PLUGINS} ${PLUGINS}/bridge <${CONFIG}`;
}
