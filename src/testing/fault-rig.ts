import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import type { Document } from "../model/document.ts";
import { until } from "../lib/async.ts";
import { lan, node as nodeDocument, resource } from "./builders.ts";
import { lookAtLinks } from "./look-at-links.ts";
import { TEST_BINARY, TestNode } from "./test-node.ts";
import { yaml } from "./yaml.ts";

/** Something that a user asks the daemon for. */
export type Wish =
  | { readonly op: "apply"; readonly documents: readonly Document[] }
  | { readonly op: "delete"; readonly kind: "Lan" | "NetworkResource"; readonly name: string }
  | { readonly op: "join"; readonly lan: string; readonly name: string }
  | { readonly op: "leave"; readonly lan: string; readonly name: string };

const [LAB, OFFICE] = ["10.5.0.0/24", "10.6.0.0/24"] as const;

/** The reference set: two LANs, one of them with DHCP, two network resources, and members. */
const documents = [
  lan("lab", { cidr: LAB, dhcp: true }),
  lan("office", { cidr: OFFICE }),
  resource("red", { subnet: "10.10.1.0/24" }),
  resource("blue", { subnet: "10.20.1.0/24", range: "10.20.0.0/16" }),
] as const;

/** Everything anew on an empty node. */
export const CREATE: readonly Wish[] = [
  { op: "apply", documents },
  { op: "join", lan: "lab", name: "c1" },
  { op: "join", lan: "office", name: "c2" },
];

/** Something of each kind changes on a node that has it all: DHCP moves, a subnet changes, members come and go. */
export const UPDATE: readonly Wish[] = [
  {
    op: "apply",
    documents: [
      lan("lab", { cidr: LAB }),
      lan("office", { cidr: OFFICE, dhcp: true }),
      resource("red", { subnet: "10.10.7.0/24" }),
    ],
  },
  { op: "leave", lan: "office", name: "c2" },
  { op: "join", lan: "lab", name: "c3" },
];

/** Back from the update to what was created. */
export const REVERT: readonly Wish[] = [
  { op: "apply", documents },
  { op: "leave", lan: "lab", name: "c3" },
  { op: "join", lan: "office", name: "c2" },
];

/** All of it goes. */
export const REMOVE: readonly Wish[] = [
  { op: "leave", lan: "lab", name: "c1" },
  { op: "leave", lan: "office", name: "c2" },
  ...documents.map(({ kind, name }) => ({ op: "delete", kind, name }) as const),
];

/** A public side with a NIC of its own, which it borrows. */
export const SET_PUBLIC: readonly Wish[] = [
  {
    op: "apply",
    documents: [
      nodeDocument({
        public: {
          nic: "pub0",
          addresses: ["203.0.113.7/24", "2001:db8:7::7/64"],
          gateways: ["203.0.113.1", "2001:db8:7::1"],
        },
      }),
    ],
  },
];
export const UNSET_PUBLIC: readonly Wish[] = [{ op: "apply", documents: [nodeDocument()] }];

/** A node whose daemon can be killed after any step, and is started again by hand. */
export class FaultRig {
  readonly node: TestNode;

  private constructor(node: TestNode) {
    this.node = node;
  }

  /** A node with the namespaces of three containers, and a NIC that nobody uses. */
  static async start(t: ExecutionContext): Promise<FaultRig> {
    const node = await TestNode.start(t, {
      runtime: TEST_BINARY,
      prepare: async ({ sandbox }) => {
        for (const name of ["c1", "c2", "c3"]) await sandbox.ip(`netns add ${name}`);
        await sandbox.cable("pub0", "hoster");
      },
    });
    return new FaultRig(node);
  }

  /** Ends the daemon and starts one with a fault, or a sound one. */
  async restart(fault?: string): Promise<void> {
    await this.node.stopDaemon("SIGKILL");
    await this.node.startDaemon("/", fault === undefined ? [] : ["--fault", fault]);
  }

  /** Asks for one thing. @returns false when the daemon died of it. @throws when it was refused or failed */
  async ask(wish: Wish): Promise<boolean> {
    let alive = true;
    const died = this.node.daemonEnd.then(() => {
      alive = false;
      return "died" as const;
    });
    const done = await Promise.race([died, this.#send(wish, () => alive)]);
    if (done === "died") return false;
    if (done !== undefined) throw new Error(`${JSON.stringify(wish)}: ${done}`);
    return true;
  }

  /** Asks for all of it. @returns the number of the wish that the daemon died of, or undefined */
  async askAll(wishes: readonly Wish[]): Promise<number | undefined> {
    for (const [index, wish] of wishes.entries()) if (!(await this.ask(wish))) return index;
    return undefined;
  }

  /** What a sound daemon makes of the node by itself; waits until it has nothing left to do. */
  async converge(): Promise<void> {
    await this.node.sandbox.until("the daemon to converge", async () => {
      const { lastReconcile } = await this.node.client.status();
      return lastReconcile?.outcome === "failed" || lastReconcile === null ? undefined : true;
    });
  }

  /** What is there, in the node and inside all namespaces; two looks at one state are equal. */
  async look(): Promise<string> {
    const outside = await this.node.snapshot();
    const inside = await lookAtLinks(this.node.sandbox, INSIDE);
    const lines = `${outside}${inside}`.split("\n").filter((line) => !CHANGES_ALONE.test(line));
    // A member gets the next address that is free, which depends on who was there before.
    return sections(
      lines.map((line) =>
        line.replace(/ \(id: \d+\)$|@if\d+/gu, "").replace(/\b10\.([56])\.0\.(?!1\b|0\b|255\b)\d+/gu, "10.$1.0.member"),
      ),
    );
  }

  /** Looks until all services are up and it sees the same some times over. */
  async lookAtRest(): Promise<string> {
    const seen: string[] = [];
    return await this.node.sandbox.until("the node to come to rest", async () => {
      if (!(await this.#servicesAreUp())) return undefined;
      seen.push(await this.look());
      const last = seen.slice(-4);
      return last.length === 4 && new Set(last).size === 1 ? last[0] : undefined;
    });
  }

  /** Looks until it sees `wanted`; a service needs a moment to be up. @returns what it saw last */
  async lookFor(wanted: string): Promise<string> {
    let seen = "";
    await until(async () => ((seen = await this.look()) === wanted ? true : undefined), {
      timeoutMs: 60_000,
      intervalMs: 50,
    });
    return seen;
  }

  /** True when each service has become what it is to be, and has written what it writes: one that is slow looks like one at rest. */
  async #servicesAreUp(): Promise<boolean> {
    const { sandbox, client, runtimeDir } = this.node;
    const { processes } = await client.status();
    const there = await sandbox.processes();
    for (const { name, pid } of processes) {
      const line = there.get(pid ?? 0);
      if (line === undefined || BECOMING.test(line)) return false;
      const files = (await readFile(join(runtimeDir, "services", name, "files"), "utf8")).trim().split("\n");
      if (!files.every((path) => existsSync(path))) return false;
    }
    return true;
  }

  /** @returns what failed; nothing at all when the daemon died of it */
  async #send(wish: Wish, isAlive: () => boolean): Promise<string | undefined> {
    const { node } = this;
    if (wish.op === "join") return await this.#tell(`join ${wish.lan} ${wish.name}`, isAlive);
    if (wish.op === "leave") return await this.#tell(`leave ${wish.lan} ${wish.name}`, isAlive);
    const asked =
      wish.op === "apply"
        ? node.client.apply([{ name: "wish", text: yaml(...wish.documents) }])
        : node.client.delete(wish.kind, wish.name);
    const report = await asked.catch((error: unknown) => {
      // Whoever races with this knows whether it died of it.
      if (error instanceof Error && /cannot reach|hang up|ECONNRESET|closed/u.test(error.message)) return NEVER;
      throw error;
    });
    return report.outcome === "failed" ? JSON.stringify(report.failures) : undefined;
  }

  /** Says a line to the daemon. */
  async #tell(line: string, isAlive: () => boolean): Promise<string | undefined> {
    const { node } = this;
    // The answers to the same words before are those of earlier requests.
    const before = answers(node.said(), line).length;
    node.tell(line);
    const answer = await node.sandbox.until(`an answer to ${line}`, () =>
      Promise.resolve(isAlive() ? answers(node.said(), line)[before] : ("dead" as const)),
    );
    return answer === "dead" ? await NEVER : (answer.failed ?? undefined);
  }
}

/** The daemon's own words, the supervisor's own files, and what the kernel does by itself and in no order: IPv6 addresses of links, routes of addresses. */
const CHANGES_ALONE = /netloom-test daemon|\/supervise\/|fe80:|ff00::|^(?:local|anycast|broadcast) /u;

/** A service on its way to what it is to be (src/host/supervisor/run-script.ts). */
const BECOMING = /^(?:\/bin\/sh \.\/run|nsenter|env) /u;

/** The answer of a daemon that is dead. */
const NEVER = new Promise<never>(() => undefined);

interface Answer {
  readonly told: string;
  readonly failed: string | null;
}

function answers(said: string, line: string): readonly Answer[] {
  return said
    .split("\n")
    .filter((text) => text.startsWith('{"told":'))
    .map((text) => JSON.parse(text) as Answer)
    .filter(({ told }) => told === line);
}

/** Lines sorted within their sections, whose order is that of creation else. */
function sections(lines: readonly string[]): string {
  const found: string[][] = [];
  for (const line of lines) {
    if (line.startsWith("# ") || found.length === 0) found.push([]);
    found.at(-1)?.push(line.trimEnd());
  }
  return found.map(([head = "", ...rest]) => [head, ...rest.toSorted()].join("\n")).join("\n");
}

const INSIDE = `
for n in $(ls /run/netns); do
  echo "# $n links"; ip -n $n -o link show | sed 's/^[0-9]*: //; s/ state .*link/ link/; s/@if[0-9]*//; s/ brd .*//'
  echo "# $n addresses"; ip -n $n -o address show | awk '{print $2, $3, $4}'
  echo "# $n routes"; ip -n $n route show table all
  echo "# $n firewall"; ip netns exec $n nft list ruleset
  echo "# $n parameters"; ip netns exec $n sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding
done
`;
