import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Child } from "./child.ts";
import type { Sandbox } from "./sandbox.ts";

/** Somebody's IPv6 network at the other end of a cable: a router `::1` that advertises itself, with DHCPv6 (dnsmasq). */
export class Provider6 {
  readonly #sandbox: Sandbox;
  readonly #netns: string;
  readonly #leases: string;
  #server: Child | undefined;

  private constructor(sandbox: Sandbox, nic: string, netns: string) {
    [this.#sandbox, this.#netns] = [sandbox, netns];
    this.#leases = join(sandbox.dir, `provider6-${nic}.leases`);
  }

  /** Lays the cable and serves. */
  static async start(sandbox: Sandbox, nic: string, netns: string, network: string): Promise<Provider6> {
    const provider = new Provider6(sandbox, nic, netns);
    await sandbox.cable(nic, netns);
    await provider.serve(network);
    return provider;
  }

  /** Serves addresses of a /64 such as "2001:db8:5::"; a server that serves already is replaced, as when a provider renumbers. */
  async serve(network: string, more: readonly string[] = []): Promise<void> {
    await this.stop();
    await this.#sandbox.ip(`-n ${this.#netns} -6 address flush dev eth0 scope global`);
    await this.#sandbox.ip(`-n ${this.#netns} address add ${network}1/64 dev eth0 nodad`);
    const words = [
      ...["port=0", "interface=eth0", "bind-dynamic", "log-dhcp", "enable-ra", `dhcp-leasefile=${this.#leases}`],
      `dhcp-range=${network}100,${network}1ff,64,1h`,
      `dhcp-option=option6:dns-server,[${network}53]`,
      ...more,
    ];
    const argv = ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file", ...words.map((word) => `--${word}`)];
    this.#server = this.#sandbox.start(argv, this.#netns);
  }

  async stop(): Promise<void> {
    this.#server?.process.kill("SIGKILL");
    await this.#server?.ended;
  }

  /** Addresses that it gave away and that have not ended; there is one, which dnsmasq writes down after it has answered by DHCPv6. */
  async given(): Promise<readonly string[]> {
    return await this.#sandbox.until("an address that the server gave", async () => {
      const lines = (await readFile(this.#leases, "utf8").catch(() => "")).split("\n");
      const given = lines.filter((line) => /^\d+ \d+ /u.test(line)).map((line) => line.split(" ")[2] ?? "");
      return given.length > 0 ? given : undefined;
    });
  }

  said(): string {
    return this.#server?.said() ?? "";
  }
}
