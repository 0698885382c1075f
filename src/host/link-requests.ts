import { HOST, OWNER, type LinkSpec } from "../model/kernel.ts";
import type { Step } from "../model/step.ts";
import { netnsPath, OWN_NETNS } from "./exec.ts";
import type { Request } from "./netlink-types.ts";

/** A step that is one netlink request, with the namespace whose socket sends it. */
export interface NetlinkStep {
  readonly netns: string;
  readonly request: Request;
}

const protocol = OWNER.protocol;

/** The netlink request of a step, or undefined for steps that are done otherwise. */
export function netlinkStep(step: Step): NetlinkStep | undefined {
  switch (step.op) {
    case "link.add":
      return addLink(step.args);
    case "link.set": {
      const { netns, ...rest } = step.args;
      return { netns, request: { op: "link.set", ...rest } };
    }
    case "link.del":
      return { netns: step.args.netns, request: { op: "link.del", names: [step.args.name] } };
    case "address.add":
    case "address.del": {
      const { netns, dev, address } = step.args;
      return {
        netns,
        request:
          step.op === "address.del"
            ? { op: step.op, dev, address }
            : { op: step.op, dev, address, proto: protocol, noDad: true },
      };
    }
    case "route.add":
    case "route.del": {
      const { netns, kind: _kind, via, ...keys } = step.args;
      // A route without a router leads to the link itself.
      return {
        netns,
        request: { op: step.op, ...keys, ...(via === undefined ? { scope: "link" } : { via }), protocol },
      };
    }
    default:
      return undefined;
  }
}

function addLink({ netns, name, type, mac, mtu, master, peer }: LinkSpec): NetlinkStep {
  const common = {
    op: "link.add",
    name,
    group: OWNER.linkGroup,
    up: true,
    ...(mac === undefined ? {} : { mac }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(master === undefined ? {} : { master }),
  } as const;
  if (type === "veth" && peer !== undefined) {
    const far = {
      name: peer.name,
      mac: peer.mac,
      up: true,
      group: OWNER.linkGroup,
      // Without a place the far end is born beside the near one.
      ...(peer.netns === netns ? {} : { netnsPath: peer.netns === HOST ? OWN_NETNS : netnsPath(peer.netns) }),
    };
    return { netns, request: { ...common, type, peer: far } };
  }
  // Asked for from the node's own namespace, so that WireGuard's UDP socket stays there (FINDINGS.md 3.8).
  if (type === "wireguard")
    return { netns: HOST, request: { ...common, type, ...(netns === HOST ? {} : { netnsPath: netnsPath(netns) }) } };
  return { netns, request: { ...common, type: "bridge", bridge: { stp: false, forwardDelay: 0 } } };
}
