import { createHash, randomBytes } from "node:crypto";
import { planMesh } from "../../src/sdk/mesh.ts";
import { gatewayAddress } from "../../src/sdk/addressing.ts";
import type { NetworkResourceDocument } from "../../src/model/document.ts";
import { findBytes, linkUpkeep, summarise, unexpectedProtocols } from "../harness/capture.ts";
import type { Lab } from "../harness/lab.ts";
import type { ScenarioContext } from "../harness/scenario.ts";
import { provePersistence } from "./main-job-daemon-killed.ts";
import { drawMesh } from "./main-job-picture.ts";
import { MEMBERS } from "./main-job-topology.ts";
import { NetloomGuest } from "./netloom-guest.ts";
import { WebServers } from "./web-servers.ts";

const FIRST = MEMBERS[0];
const RESOURCE = "demo";
const NETNS = `n${RESOURCE}`;
const RANGE = "10.10.0.0/16";
const LISTEN_PORT = 51820;
const HTTP_PORT = 8080;
const MEBIBYTE = 1 << 20;

type Step = ScenarioContext["step"];

/** A node of the mesh with what was planned for it. */
interface Member {
  readonly guest: NetloomGuest;
  readonly document: NetworkResourceDocument;
}

/** Three nodes boot, come online by themselves, join a mesh, reach each other in it, and leave it without a trace. */
export async function proveMainJob({ lab, step }: ScenarioContext): Promise<void> {
  // Two machines on two cores: the seconds that the first node takes are those of an undisturbed one.
  await step("a gateway and a first node boot from one image", async () => {
    await lab.boot(["gateway", FIRST]);
    return "384 MB each, no disk";
  });
  const guests = MEMBERS.map((name) => new NetloomGuest(lab.node(name)));
  const addresses = new Map<string, string>();
  const proveOnline = (guest: NetloomGuest): Promise<string> =>
    step(`${guest.name} picks its NIC and gets an address by DHCP`, async () => {
      const { uplink, decision, onlineAt } = await guest.online();
      const chosen = decision.find((entry) => entry.chosen);
      if (uplink === null || chosen === undefined)
        throw guest.node.failure("is online without an uplink or a decision record");
      const advertised = await guest.advertisedAddress(uplink.link);
      addresses.set(guest.name, (uplink.address ?? "").replace(/\/.*/u, ""));
      return `${uplink.nic} ${uplink.address ?? "nothing"} and ${advertised} of ${uplink.server ?? "?"}; online ${onlineAt?.toFixed(1) ?? "?"} s after kernel start (${lab.accel.accel}); ${chosen.reasons.join(", ")}`;
    });
  const [first, ...others] = guests;
  if (first !== undefined) await proveOnline(first);
  await step("two more nodes boot from it", async () => {
    await lab.boot(others.map(({ name }) => name));
    return others.map(({ name }) => name).join(", ");
  });
  await sideBySide(others, proveOnline);
  await step("each node has an address by DHCPv6 as well", async () => {
    const leased = await Promise.all(
      guests.map((guest) =>
        guest.node.until("an address by DHCPv6", async () => {
          const { uplink } = await guest.status();
          return uplink?.addresses.find((address) => address.endsWith("/128"));
        }),
      ),
    );
    return leased.join(", ");
  });
  const before = await Promise.all(guests.map((guest) => guest.settledSnapshot()));
  const members: Member[] = [];
  await step("a mesh is planned from the nodes' public keys", async () => {
    const nodes = await Promise.all(
      guests.map(async (guest) => ({
        id: guest.name,
        publicKey: await guest.publicKey(RESOURCE),
        address: addresses.get(guest.name) ?? "",
        listenPort: LISTEN_PORT,
      })),
    );
    const plan = planMesh({ name: RESOURCE, range: RANGE, nodes });
    for (const guest of guests) {
      const document = plan.get(guest.name);
      if (document !== undefined) members.push({ guest, document });
    }
    return members.map(({ guest, document }) => `${guest.name} ${document.subnet}`).join(", ");
  });
  await sideBySide(members, ({ guest, document }) =>
    step(`${guest.name} applies its network resource, and a second time changes nothing`, async () => {
      const printed = await guest.apply(document);
      const again = await guest.apply(document);
      if (again.trim() !== "no changes") throw guest.node.failure(`the second apply printed:\n${again}`);
      return printed.trim().split("\n").at(-1) ?? "";
    }),
  );
  {
    await using servers = new WebServers();
    await proveSecrecy(lab, step, await proveReachability(members, servers, step));
  }
  await drawMesh(
    lab,
    members.map(({ guest: { name }, document: { subnet } }) => ({
      name,
      subnet,
      address: addresses.get(name) ?? "",
    })),
  );
  await provePersistence(
    members.map(({ guest }) => guest),
    step,
    { netns: NETNS, resource: RESOURCE, target: addressOf(members[0]) },
  );
  await sideBySide(members.entries().toArray(), ([index, { guest }]) =>
    step(`${guest.name} deletes the resource and nothing of it is left`, async () => {
      await guest.node.run(["netloom", "delete", "NetworkResource", RESOURCE]);
      const gone = await guest.node.until("the state from before", async () => {
        const [old, now] = [before[index] ?? "", await guest.snapshot()];
        if (now !== old) throw new Error(difference(old, now));
        return now;
      });
      return `no namespace, link, address, route, rule, process or file more than before (${gone.split("\n").length} lines compared)`;
    }),
  );
}

/** Proves for all at once; the first failure is thrown when all have ended, so that each has its row. */
async function sideBySide<T>(items: readonly T[], prove: (item: T) => Promise<unknown>): Promise<void> {
  const failure = (await Promise.allSettled(items.map(prove))).find((result) => result.status === "rejected");
  if (failure !== undefined) throw failure.reason;
}

function addressOf(member: Member | undefined): string {
  return gatewayAddress(member?.document.subnet ?? RANGE);
}

/** All ordered pairs: ping, then a file of 1 MiB over TCP, which carries a token that nobody else knows. Returns the token. */
async function proveReachability(members: readonly Member[], servers: WebServers, step: Step): Promise<Buffer> {
  const token = Buffer.from(randomBytes(16).toString("hex"));
  const file = Buffer.concat([token, randomBytes(MEBIBYTE - 2 * token.length), token]);
  const digest = createHash("sha256").update(file).digest("hex");
  await step("each node serves a file of 1 MiB inside its resource", async () => {
    await Promise.all(
      members.map(({ guest, document }) =>
        servers.serve(guest, NETNS, `${gatewayAddress(document.subnet)}:${HTTP_PORT}`, file),
      ),
    );
    return `sha256 ${digest.slice(0, 16)}…`;
  });
  for (const from of members) {
    for (const to of members.filter((member) => member !== from)) {
      await step(`${from.guest.name} reaches ${to.guest.name} inside the mesh`, async () => {
        const address = addressOf(to);
        const ping = await from.guest.node.until(
          `an answer of ${address}`,
          () => from.guest.inside(NETNS, ["ping", "-c", "1", "-W", "2", address]),
          30_000,
        );
        const fetched = await from.guest.inside(
          NETNS,
          ["sh", "-c", `busybox wget -q -O - http://${address}:${HTTP_PORT}/file | sha256sum`],
          60_000,
        );
        if (!fetched.startsWith(digest))
          throw from.guest.node.failure(
            `the file of ${to.guest.name} arrived as sha256 ${fetched.trim()}, not ${digest}`,
          );
        return `ping ${/time=([\d.]+ ms)/u.exec(ping)?.[1] ?? "answered"}, 1 MiB by TCP intact`;
      });
    }
  }
  return token;
}

/** The captures of all links: WireGuard and what a link needs, and the token in none of them. */
async function proveSecrecy(lab: Lab, step: Step, token: Buffer): Promise<void> {
  await step("the links carried the mesh as WireGuard only, and the token nowhere in clear", async () => {
    await lab.flush();
    let encrypted = 0;
    for (const { name, capture } of lab.links) {
      const summary = await summarise(capture);
      const strangers = unexpectedProtocols(summary, [linkUpkeep, /^WireGuard /u, /^ICMP unreachable$/u]);
      if (strangers.length > 0) throw new Error(`${name} carried ${strangers.join(", ")}: see ${capture}`);
      const [sighting] = await findBytes(capture, token);
      if (sighting !== undefined)
        throw new Error(`the token is readable (${sighting.form}, frame ${sighting.frame ?? "several"}) in ${capture}`);
      encrypted += summary.protocols["WireGuard transport"] ?? 0;
    }
    if (encrypted === 0) throw new Error("no link carried any WireGuard transport message");
    return `${encrypted} WireGuard transport frames on ${lab.links.length} links`;
  });
}

/** The lines that one text has and the other has not. */
function difference(old: string, now: string): string {
  const [a, b] = [new Set(old.split("\n")), new Set(now.split("\n"))];
  return [
    ...[...a.difference(b)].map((line) => `gone: ${line}`),
    ...[...b.difference(a)].map((line) => `left: ${line}`),
  ].join("; ");
}
