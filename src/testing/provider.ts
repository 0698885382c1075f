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

  /** Serves addresses from `.first` on, by default at the end of the cable; a server that serves already is replaced. */
  serve(network: string, first: number, link: string = "eth0"): void {
    this.stop();
    const { nic, netns, leaseTime = "1h", more = [] } = this.#options;
    const words = [
      ...["port=0", `interface=${link}`, "bind-dynamic", "no-ping", "dhcp-authoritative", "log-dhcp"],
      `dhcp-range=${network}.${first},${network}.${first + 20},255.255.255.0,${leaseTime}`,
      `dhcp-leasefile=${join(this.#sandbox.dir, `provider-${nic}.leases`)}`,
      ...more,
    ];
    const argv = ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file", ...words.map((word) => `--${word}`)];
    this.#server = this.#sandbox.start(argv, netns);
  }

  /** Ends the server, as a provider's outage would. */
  stop(): void {
    this.#server?.process.kill("SIGKILL");
  }

  said(): string {
    return this.#server?.said() ?? "";
  }
}
