import type { DebianNode } from "../topology-schema.ts";
import type { NodeSpec } from "../topology.ts";
import { extend } from "./extend.ts";
import { autoAddress, type RolePlace } from "./place.ts";
import { addressScript, leaseFiles, serviceFiles, withoutDaemon } from "./userland.ts";

/** The Debian userland of the image, with addresses by DHCP or as told, and services of its own. */
export function debian(node: DebianNode, place: RolePlace): NodeSpec {
  const { role: _role, addresses = [], via, services = {}, ...own } = node;
  const nics = own.nics.map((nic, index) => {
    const word = addresses[index] ?? "dhcp";
    return addressScript(
      `eth${index}`,
      word === "auto" ? autoAddress(place, nic) : word,
      index === 0 ? via : undefined,
    );
  });
  const scripts = Object.fromEntries(nics.map((script, index) => [`eth${index}`, script]));
  return extend(own, { files: { ...withoutDaemon, ...leaseFiles, ...serviceFiles({ ...scripts, ...services }) } });
}
