import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Launcher } from "./launcher.ts";

const PROGRAM = "/usr/lib/podman/netavark";
const PLACE = "/run/netloom-bench-netavark";
const NETWORK = "bench";
const BRIDGE = "benchavark";

/**
 * Debian's netavark, as podman calls it. Its best case: the bridge is there, no firewall, no DNS, addresses given by the caller,
 * its lock and state in memory.
 */
export class Netavark implements AsyncDisposable {
  readonly #shell: Launcher;

  private constructor(shell: Launcher) {
    this.#shell = shell;
  }

  static async open(): Promise<Netavark> {
    await mkdir(PLACE, { recursive: true });
    const shell = new Launcher();
    await shell.run(`ip link add ${BRIDGE} up type bridge && ip address add 10.89.0.1/16 dev ${BRIDGE}`);
    return new Netavark(shell);
  }

  /** Writes what podman would say about the container, which is not netavark's work. */
  async prepare(netns: string, n: number): Promise<void> {
    const address = `10.89.${1 + Math.floor(n / 250)}.${1 + (n % 250)}`;
    const subnets = [{ subnet: "10.89.0.0/16", gateway: "10.89.0.1" }];
    const config = {
      container_id: netns.padEnd(64, "0"),
      container_name: netns,
      networks: { [NETWORK]: { static_ips: [address], interface_name: "eth0" } },
      network_info: {
        [NETWORK]: {
          name: NETWORK,
          id: "b".repeat(64),
          driver: "bridge",
          network_interface: BRIDGE,
          subnets,
          ipv6_enabled: false,
          internal: false,
          dns_enabled: false,
          ipam_options: { driver: "host-local" },
          options: {},
        },
      },
    };
    await writeFile(join(PLACE, netns), JSON.stringify(config));
  }

  /** Attaches `eth0` in a named namespace that was prepared. */
  async add(netns: string): Promise<void> {
    await this.#shell.run(call("setup", netns));
  }

  async addAll(netns: readonly string[]): Promise<void> {
    await this.#shell.runAtOnce(netns.map((name) => call("setup", name)));
  }

  async remove(netns: string): Promise<void> {
    await this.#shell.run(call("teardown", netns));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It removes the bridge itself along with the last container.
    await this.#shell.run(`ip link delete ${BRIDGE} 2>/dev/null || true`);
    await this.#shell[Symbol.asyncDispose]();
    await rm(PLACE, { recursive: true });
  }
}

function call(command: "setup" | "teardown", netns: string): string {
  return `${PROGRAM} --firewall-driver none --config ${PLACE} --file ${PLACE}/${netns} ${command} /run/netns/${netns}`;
}
