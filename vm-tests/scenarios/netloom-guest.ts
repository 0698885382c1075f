import { stringify } from "yaml";
import type { NetworkResourceDocument } from "../../src/model/document.ts";
import type { Status } from "../../src/model/report.ts";
import type { LabNode } from "../harness/node.ts";

/** Netloom inside a guest, as its operator would use it. */
export class NetloomGuest {
  readonly node: LabNode;

  constructor(node: LabNode) {
    this.node = node;
  }

  get name(): string {
    return this.node.name;
  }

  async status(): Promise<Required<Status>> {
    return JSON.parse(await this.node.run(["netloom", "status", "--json"])) as Required<Status>;
  }

  /** Waits until the node says on its console that it is online; asking it again and again would cost an emulated guest its boot. */
  async online(timeoutMs: number = 90_000): Promise<Required<Status>> {
    await this.node.waitForConsole(/netloom: online/u, timeoutMs);
    return await this.status();
  }

  /** Waits for a status that satisfies, such as one that names another uplink. */
  statusWhere(
    what: string,
    holds: (status: Required<Status>) => boolean,
    timeoutMs: number = 60_000,
  ): Promise<Required<Status>> {
    return this.node.until(
      what,
      async () => {
        const now = await this.status();
        return holds(now) ? now : undefined;
      },
      timeoutMs,
    );
  }

  /** Addresses of a link with their prefix lengths, as the kernel has them: global ones that may be used. */
  async addresses(dev: string): Promise<readonly string[]> {
    const shown = await this.node.run(["ip", "-o", "address", "show", "dev", dev, "scope", "global"]);
    return shown
      .split("\n")
      .filter((line) => !/ tentative| deprecated/u.test(line))
      .flatMap((line) => / inet6? (\S+)/u.exec(line)?.[1] ?? []);
  }

  /** A number that the kernel keeps of a link: how often it lost or got carrier. */
  async counter(dev: string, name: "carrier_down_count" | "carrier_up_count"): Promise<number> {
    return Number(await this.node.run(["cat", `/sys/class/net/${dev}/${name}`]));
  }

  /** Seconds since its kernel started. */
  async uptime(): Promise<number> {
    return Number((await this.node.run(["cat", "/proc/uptime"])).split(" ", 1)[0]);
  }

  /** The process of a service; null while it is down. @throws when the node has no such service. */
  async servicePid(name: string): Promise<number | null> {
    const { processes } = await this.status();
    const found = processes.find((process) => process.name === name);
    if (found === undefined)
      throw this.node.failure(`has no service ${name}, but ${processes.map((process) => process.name).join(", ")}`);
    return found.pid;
  }

  /** Waits for an address that the node made for itself from the gateway's router advertisement. */
  async advertisedAddress(nic: string): Promise<string> {
    return this.node.until(
      "an IPv6 address from a router advertisement",
      async () =>
        /inet6 (\S+) scope global(?!.* tentative)/u.exec(
          await this.node.run(["ip", "-6", "addr", "show", "dev", nic]),
        )?.[1],
    );
  }

  /** The public half of the node's key for a resource. */
  async publicKey(resource: string): Promise<string> {
    return (await this.node.run(["netloom", "key", resource])).trim();
  }

  /** Applies a document and gives what `netloom apply` printed. */
  apply(document: NetworkResourceDocument): Promise<string> {
    return this.node.run(["netloom", "apply", "-"], { stdin: stringify(document) });
  }

  /** Runs a program inside a namespace. */
  inside(netns: string, argv: readonly string[], timeoutMs: number = 30_000): Promise<string> {
    return this.node.run(["ip", "netns", "exec", netns, ...argv], { timeoutMs });
  }

  /**
   * All that a resource could leave behind: namespaces, links, addresses, routes, rules of every kind,
   * processes and files. Two snapshots of one state are equal.
   */
  snapshot(): Promise<string> {
    return this.node.run(["sh", "-c", SNAPSHOT]);
  }

  /** The first snapshot that another confirms: a node that came online a moment ago still gets routes from advertisements. */
  async settledSnapshot(): Promise<string> {
    let last = "";
    return await this.node.until("two equal snapshots", async () => {
      const now = await this.snapshot();
      const settled = now === last;
      last = now;
      return settled ? now : undefined;
    });
  }
}

/**
 * Routes of table local follow from addresses, some time after them. Kernel threads have an empty command line; the
 * children of the agent and of the clock service come and go.
 */
const SNAPSHOT = `
echo "# namespaces"; ip netns list
echo "# links"; ip -o link show | sed 's/^[0-9]*: //; s/ state .*//'
echo "# addresses"; ip -o address show | awk '{print $2, $3, $4}'
echo "# routes"; { ip route show table all; ip -6 route show table all; } | grep -v -e '^local ' -e '^multicast ' -e '^anycast ' -e 'table local' | sed 's/ *expires [0-9a-z]*//' | sort -u
echo "# policy"; ip rule; ip -6 rule
echo "# firewall"; nft list ruleset
echo "# processes"
for d in /proc/[0-9]*; do
  tr '\\0' ' ' 2>/dev/null <"$d/cmdline" | grep -v -e '^sh -c ' -e '^tr ' -e '^grep ' -e '^sleep ' -e '^s6-log' ; done | sort -u
echo "# files"
find /var/cache/modules /run /etc -xdev \\( -name supervise -o -name event -o -name log \\) -prune -o -type f -print | grep -v -e '/clock' | sort
`;
