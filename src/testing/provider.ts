import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Child } from "./child.ts";
import type { Sandbox } from "./sandbox.ts";

export interface ProviderOptions {
  /** The link on this side of the cable. */
  readonly nic: string;
  /** The namespace of the other side. */
  readonly netns: string;
  /** The first three numbers of its /24. */
  readonly network: string;
  /** "2m" is the shortest that dnsmasq knows. */
  readonly leaseTime?: string;
  /** Lines of configuration beside. */
  readonly more?: readonly string[];
}

export interface ProviderLease {
  readonly address: string;
  readonly mac: string;
}

/** Somebody's network with a router `.1` that gives addresses by DHCP, at the other end of a cable. */
export class Provider {
  readonly #sandbox: Sandbox;
  readonly #options: ProviderOptions;
  #server: Child | undefined;

  private constructor(sandbox: Sandbox, options: ProviderOptions) {
    this.#sandbox = sandbox;
    this.#options = options;
  }

  static async start(sandbox: Sandbox, options: ProviderOptions): Promise<Provider> {
    const provider = new Provider(sandbox, options);
    await sandbox.cable(options.nic, options.netns);
    await sandbox.ip(`-n ${options.netns} address add ${options.network}.1/24 dev eth0`);
    provider.serve(options.network, 10);
    return provider;
  }

  /** The same with a switch `sw`, into which the cables of several links lead, by its ports `eth0`, `eth1` and so on; it has the address. */
  static async switched(
    sandbox: Sandbox,
    { nics, ...options }: Omit<ProviderOptions, "nic"> & { readonly nics: readonly [string, ...string[]] },
  ): Promise<Provider> {
    const { netns, network } = options;
    const provider = new Provider(sandbox, { nic: nics[0], ...options });
    await sandbox.ip(`netns add ${netns}`);
    await sandbox.ip(`-n ${netns} link set lo up`);
    await sandbox.ip(`-n ${netns} link add sw up type bridge`);
    await sandbox.ip(`-n ${netns} address add ${network}.1/24 dev sw`);
    for (const [index, nic] of nics.entries()) {
      await sandbox.ip(`link add ${nic} up type veth peer name eth${index} netns ${netns}`);
      await sandbox.ip(`-n ${netns} link set eth${index} up master sw`);
    }
    provider.serve(network, 10, "sw");
    return provider;
  }

  /**
   * What it gave away and did not get back, of both families, by the MAC in the client's identifier. Waits for the first of them:
   * dnsmasq empties its file and then writes it, so that an empty one says nothing.
   */
  async leases(): Promise<readonly ProviderLease[]> {
    const text = await this.#sandbox.until("the provider's first lease", async () => {
      const found = await readFile(this.#leases, "utf8").catch(() => "");
      return found === "" ? undefined : found;
    });
    return text
      .split("\n")
      .filter((line) => /^\d+ /u.test(line))
      .map((line) => line.split(" "))
      .map(([, , address = "", , id = ""]) => ({ address, mac: id.slice(-17) }));
  }

  /** Serves addresses from `.first` on, by default at the end of the cable; a server that serves already is replaced. */
  serve(network: string, first: number, link: string = "eth0"): void {
    this.stop();
    const { netns, leaseTime = "1h", more = [] } = this.#options;
    const words = [
      ...["port=0", `interface=${link}`, "bind-dynamic", "no-ping", "dhcp-authoritative", "log-dhcp"],
      `dhcp-range=${network}.${first},${network}.${first + 20},255.255.255.0,${leaseTime}`,
      `dhcp-leasefile=${this.#leases}`,
      ...more,
    ];
    const argv = ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file", ...words.map((word) => `--${word}`)];
    this.#server = this.#sandbox.start(argv, netns);
  }

  /** Ends the server, as a provider's outage would. */
  stop(): void {
    this.#server?.process.kill("SIGKILL");
  }

  get #leases(): string {
    return join(this.#sandbox.dir, `provider-${this.#options.nic}.leases`);
  }

  said(): string {
    return this.#server?.said() ?? "";
  }
}
