import type { NetworkResourceDocument } from "../../src/model/document.ts";
import type { PeerStatus } from "../../src/model/report.ts";
import { gatewayAddress } from "../../src/sdk/addressing.ts";
import { type MeshNode, planMesh } from "../../src/sdk/mesh.ts";
import { scenario } from "../harness/scenario.ts";
import { GATEWAY, GATEWAY_ADDRESS, NETWORK } from "./gateway.ts";
import { requireGoesOn } from "./main-job-daemon-killed.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const MESH = { name: "mesh", range: "10.10.0.0/16" };
const topology = { networks: [NETWORK], nodes: { gateway: GATEWAY, n1: { nics: [NETWORK] } } };

scenario(
  "a change of one WireGuard peer disturbs no other, and nothing undoes where a peer was last heard",
  { group: "full", topology },
  async ({ t, node }) => {
    const [hub, n1] = [new NetloomGuest(node("gateway")), new NetloomGuest(node("n1"))];
    await hub.online();
    const address = (await n1.online()).uplink?.address?.replace(/\/.*/u, "") ?? "";
    // Two members of the mesh share the second machine, each in its own namespace with its own key and port.
    const [hubKey, spokeKey, lateKey] = await Promise.all([
      hub.publicKey("mesh"),
      n1.publicKey("mesh"),
      n1.publicKey("late"),
    ]);
    const nodes: readonly MeshNode[] = [
      { id: "hub", publicKey: hubKey, address: GATEWAY_ADDRESS, listenPort: 51820 },
      { id: "spoke", publicKey: spokeKey, address, listenPort: 51820 },
    ];
    const two = planMesh({ ...MESH, nodes });
    const three = planMesh({ ...MESH, nodes: [...nodes, { id: "late", publicKey: lateKey, listenPort: 51821 }] });
    const [hubDocument, spokeDocument] = [documentOf(two, "hub"), documentOf(two, "spoke")];
    const spokePeer = (): Promise<PeerStatus> => peerOf(hub, spokeKey);
    const ping = (from: NetloomGuest, netns: string, to: NetworkResourceDocument): Promise<string> =>
      from.inside(netns, ["ping", "-c", "1", "-W", "2", gatewayAddress(to.subnet)]);

    await Promise.all([hub.apply(hubDocument), n1.apply(spokeDocument)]);
    await n1.node.until("an answer through the mesh", () => ping(n1, "nmesh", hubDocument), 30_000);
    const first = await spokePeer();
    t.is(first.endpoint, `${address}:51820`);

    // A peer is added.
    t.deepEqual(await steps(hub, documentOf(three, "hub")), [expectPeer(lateKey)]);
    requireGoesOn(hub, first, await spokePeer());
    await n1.apply({ ...documentOf(three, "late"), name: "late" });
    await n1.node.until("an answer for the added peer", () => ping(n1, "nlate", hubDocument), 30_000);
    requireGoesOn(hub, first, await spokePeer());

    // A peer moves to another port, and then a setting of it is changed: its session and its new place stay.
    await n1.apply({ ...spokeDocument, wireguard: { peers: [], ...spokeDocument.wireguard, listenPort: 51999 } });
    const moved = await hub.node.until("the new port of the peer", async () => {
      await ping(n1, "nmesh", hubDocument);
      const now = await spokePeer();
      return now.endpoint === `${address}:51999` ? now : undefined;
    });
    const patient = withKeepalive(documentOf(three, "hub"), spokeKey, 7);
    t.deepEqual(await steps(hub, patient), [expectPeer(spokeKey)]);
    t.regex(
      await hub.inside("nmesh", ["wg", "show", "w-mesh", "persistent-keepalive"]),
      new RegExp(`${RegExp.escape(spokeKey)}\\t7\n`, "u"),
    );
    await ping(hub, "nmesh", spokeDocument);
    t.deepEqual(await steps(hub, patient), []);
    requireGoesOn(hub, moved, await spokePeer());
    t.is((await spokePeer()).endpoint, `${address}:51999`);

    // A peer is removed.
    t.deepEqual(await steps(hub, withKeepalive(hubDocument, spokeKey, 7)), [`wg set w-mesh peer ${lateKey} remove`]);
    t.is(await hub.inside("nmesh", ["wg", "show", "w-mesh", "peers"]), `${spokeKey}\n`);
    await ping(hub, "nmesh", spokeDocument);
    requireGoesOn(hub, moved, await spokePeer());
  },
);

function documentOf(plan: ReadonlyMap<string, NetworkResourceDocument>, id: string): NetworkResourceDocument {
  const document = plan.get(id);
  if (document === undefined) throw new Error(`nothing was planned for ${id}`);
  return document;
}

function withKeepalive(
  document: NetworkResourceDocument,
  publicKey: string,
  keepalive: number,
): NetworkResourceDocument {
  if (document.wireguard === undefined) return document;
  const peers = document.wireguard.peers.map((peer) => (peer.publicKey === publicKey ? { ...peer, keepalive } : peer));
  return { ...document, wireguard: { ...document.wireguard, peers } };
}

/** What `netloom apply` says it did, without the namespace and without the values of a peer. */
async function steps(guest: NetloomGuest, document: NetworkResourceDocument): Promise<readonly string[]> {
  const lines = (await guest.apply(document)).trim().split("\n").slice(0, -1);
  return lines.map((line) =>
    line.replace(/^ip netns exec \S+ /u, "").replace(/ (?:endpoint|persistent-keepalive) .*/u, ""),
  );
}

function expectPeer(publicKey: string): string {
  return `wg set w-mesh peer ${publicKey}`;
}

async function peerOf(guest: NetloomGuest, publicKey: string): Promise<PeerStatus> {
  const found = (await guest.status()).peers.find((peer) => peer.publicKey === publicKey);
  if (found === undefined) throw guest.node.failure(`status shows no peer ${publicKey}`);
  return found;
}
