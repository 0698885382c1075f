import type { Lab } from "../harness/lab.ts";
import { GATEWAY_ADDRESS } from "./gateway.ts";

interface DrawnMember {
  readonly name: string;
  /** Address that the node got by DHCP. */
  readonly address: string;
  /** Its network in the mesh. */
  readonly subnet: string;
}

/** Draws topology.svg with the addresses that the nodes got and with the mesh that was proven between all of them. */
export async function drawMesh(lab: Lab, members: readonly DrawnMember[]): Promise<string> {
  const notes = members.map(({ name, address, subnet }) => [
    `${name}.eth0`,
    { addresses: [address, `mesh ${subnet}`], state: "up" } as const,
  ]);
  const tunnels = members.flatMap(({ name: from }, index) =>
    members.slice(index + 1).map(({ name: to }) => ({ from, to, state: "up" }) as const),
  );
  const gateway = { addresses: [GATEWAY_ADDRESS], state: "up" } as const;
  return await lab.draw({ "gateway.eth0": gateway, ...Object.fromEntries(notes) }, tunnels);
}
