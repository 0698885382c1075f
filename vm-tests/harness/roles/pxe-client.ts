import type { PxeClientNode } from "../topology-schema.ts";
import type { NodeSpec } from "../topology.ts";
import { extend } from "./extend.ts";

/** A machine that gets no kernel from QEMU: its firmware asks the network, NIC by NIC. What it boots need not have an agent. */
export function pxeClient(node: PxeClientNode): NodeSpec {
  const { role: _role, ...own } = node;
  return extend(own, { boot: "network", agent: false });
}
