import type { PeerStatus } from "../../src/model/report.ts";
import type { ScenarioContext } from "../harness/scenario.ts";
import type { NetloomGuest } from "./netloom-guest.ts";

interface MeshUnderTest {
  readonly netns: string;
  readonly resource: string;
  /** Address of the first guest inside the mesh. */
  readonly target: string;
}

/**
 * `kill -9` of the first guest's daemon: its resource goes on forwarding, the daemon comes back by itself, and finds
 * nothing to change; every peer's handshake and counters go on.
 */
export async function provePersistence(
  [victim, witness]: readonly NetloomGuest[],
  step: ScenarioContext["step"],
  { netns, resource, target }: MeshUnderTest,
): Promise<void> {
  if (victim === undefined || witness === undefined) throw new TypeError("two guests are needed");
  await step(`${victim.name} keeps forwarding while its daemon is killed and comes back`, async () => {
    const before = await victim.status();
    // In runs, since the answers of one must fit into ping's buffer where they come at once: `AT_ONCE` of link-pair.ts.
    const script = `for run in 1 2 3; do ping -c 9 -i 0.2 -W 10 ${target}; done`;
    const pings = witness.inside(netns, ["sh", "-c", script], 60_000);
    await victim.node.run(["kill", "-9", String(before.pid)]);
    const after = await victim.node.until("a new daemon", async () => {
      const status = await victim.status();
      return status.pid === before.pid || status.lastReconcile === null ? undefined : status;
    });
    const summaries = [...(await pings).matchAll(/(\d+) packets transmitted, (\d+) (?:packets )?received/gu)];
    const told = summaries.map(([text]) => text).join("; ");
    if (summaries.length !== 3 || summaries.some(([, sent, received]) => sent !== received))
      throw witness.node.failure(`not every ping was answered: ${told}`);
    if (after.reconciles.changed !== 0 || after.lastReconcile?.outcome !== "unchanged") {
      throw victim.node.failure(`the new daemon changed something: ${JSON.stringify(after.lastReconcile)}`);
    }
    const peers = after.peers.filter((peer) => peer.resource === resource);
    for (const peer of peers)
      requireGoesOn(
        victim,
        before.peers.find(({ publicKey }) => publicKey === peer.publicKey),
        peer,
      );
    return `pid ${before.pid} became ${after.pid}, ${told}; 0 steps, handshakes and counters of ${peers.length} peers go on`;
  });
}

/** Throws unless a peer's handshake and counters went on from where they were. */
export function requireGoesOn(guest: NetloomGuest, before: PeerStatus | undefined, after: PeerStatus): void {
  const goesOn =
    before !== undefined &&
    before.lastHandshake > 0 &&
    after.lastHandshake >= before.lastHandshake &&
    after.rxBytes >= before.rxBytes &&
    after.txBytes >= before.txBytes;
  if (!goesOn)
    throw guest.node.failure(
      `the session with ${after.publicKey} was lost: ${JSON.stringify(before)} became ${JSON.stringify(after)}`,
    );
}
