import type { Facts, Uplink } from "../model/facts.ts";
import { HOST, type KernelObject } from "../model/kernel.ts";
import type { NodeSettings } from "../model/settings.ts";
import { compileClock, serversOf } from "./clock.ts";
import { compileResolver } from "./resolver.ts";

/**
 * What the node's programs need of the network beside addresses: the host name, name servers and the time. On a machine that is not
 * ours only what its document or the flags say is done, and nothing that a lease says.
 */
export function compileNodeServices(
  settings: NodeSettings,
  facts: Facts,
  uplink: Uplink | null,
): readonly KernelObject[] {
  const leased = facts.appliance ? uplink?.nic.probe?.lease4?.hostname : undefined;
  const hostname = settings.hostname.value ?? leased;
  return [
    ...(hostname === undefined
      ? []
      : [{ kind: "sysctl", netns: HOST, key: "kernel.hostname", value: hostname } as const]),
    ...(facts.appliance
      ? [compileResolver(HOST, { dns: uplink?.dns ?? settings.dns.value, search: uplink?.search ?? [] })]
      : []),
    ...compileClock(settings, facts, serversOf(settings, uplink)),
  ];
}
