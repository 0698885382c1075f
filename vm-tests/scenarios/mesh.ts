import { gatewayAddress } from "../../src/sdk/addressing.ts";
import { planMesh } from "../../src/sdk/mesh.ts";
import { classify } from "../harness/classify.ts";
import type { Lab } from "../harness/lab.ts";
import { readCapture } from "../harness/pcapng-read.ts";
import type { NetloomGuest } from "./netloom-guest.ts";

const NAME = "mesh";
const LISTEN_PORT = 51820;

/** A mesh over all these nodes, each reached by the others at its address. @returns the address of each inside */
export async function joinMesh(
  members: readonly { readonly guest: NetloomGuest; readonly address: string }[],
): Promise<readonly string[]> {
  const nodes = await Promise.all(
    members.map(async ({ guest, address }) => ({
      id: guest.name,
      publicKey: await guest.publicKey(NAME),
      address,
      listenPort: LISTEN_PORT,
    })),
  );
  const plan = planMesh({ name: NAME, range: "10.10.0.0/16", nodes });
  return await Promise.all(
    members.map(async ({ guest }) => {
      const document = plan.get(guest.name);
      if (document === undefined) throw new Error(`nothing was planned for ${guest.name}`);
      await guest.apply(document);
      return gatewayAddress(document.subnet);
    }),
  );
}

/** Waits for an answer through the mesh. */
export async function answers(guest: NetloomGuest, address: string, timeoutMs: number = 60_000): Promise<void> {
  const ping = (): Promise<string> => guest.inside(`n${NAME}`, ["ping", "-c", "1", "-W", "2", address]);
  await guest.node.until(`an answer of ${address} through the mesh`, ping, timeoutMs);
}

/** The VLANs on a cable that carried WireGuard's packets while something was done; 0 is none (IEEE 802.1Q). */
export async function wireguardVlans(
  lab: Pick<Lab, "flush" | "link">,
  cable: string,
  work: () => Promise<void>,
): Promise<readonly number[]> {
  const frames = async (): ReturnType<typeof readCapture> => {
    await lab.flush();
    return await readCapture(lab.link(cable).capture);
  };
  const since = (await frames()).at(-1)?.time ?? 0;
  await work();
  const seen = (await frames()).filter(
    ({ time, bytes }) => time > since && classify(bytes).protocol.startsWith("WireGuard"),
  );
  const vlans = seen.map(({ bytes }) => (bytes.readUInt16BE(12) === 0x8100 ? bytes.readUInt16BE(14) & 0xfff : 0));
  return [...new Set(vlans)];
}
