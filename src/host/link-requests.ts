import { uptime } from "../lib/uptime.ts";
import { HOST, OWNER, type AddressSpec, type RouteSpec } from "../model/kernel.ts";
import type { Step, StepArguments } from "../model/step.ts";
import { netnsPath, OWN_NETNS } from "./exec.ts";
import type { Request } from "./netlink-requests.ts";

/** A step that is one netlink request, with the namespace whose socket sends it. */
export interface NetlinkStep {
  readonly netns: string;
  readonly request: Request;
}

const protocol = OWNER.protocol;

/** The netlink request of a step, or undefined for steps that are done otherwise. `now` is in seconds since the kernel started. */
export function netlinkStep(step: Step, now: number = uptime()): NetlinkStep | undefined {
  switch (step.op) {
    case "link.add":
      return addLink(step.args);
    case "link.set":
      return setLink(step.args);
    case "link.del":
      return { netns: step.args.netns, request: { op: "link.del", names: [step.args.name] } };
    case "link.rename": {
      const { netns, name, to } = step.args;
      return { netns, request: { op: "link.rename", name, to } };
    }
    case "link.port": {
      const { netns, name, port } = step.args;
      return { netns, request: { op: "link.port", name, port } };
    }
    case "vlan.add": {
      const { netns, vlan, ...rest } = step.args;
      return { netns, request: { op: "vlan.add", ...rest, ...vlan } };
    }
    case "vlan.del": {
      const { netns, ...rest } = step.args;
      return { netns, request: { op: "vlan.del", ...rest } };
    }
    case "address.add":
      return { netns: step.args.netns, request: addAddress(step.args, now) };
    case "address.del": {
      const { netns, dev, address } = step.args;
      return { netns, request: { op: step.op, dev, address } };
    }
    case "neighbor.add": {
      const { netns, kind: _kind, ...entry } = step.args;
      return { netns, request: { op: step.op, ...entry, protocol } };
    }
    case "neighbor.del": {
      const { netns, dev, to, proxy } = step.args;
      return { netns, request: { op: step.op, dev, to, ...(proxy === undefined ? {} : { proxy }) } };
    }
    case "fdb.add":
    case "fdb.del": {
      const { netns, kind: _kind, ...entry } = step.args;
      return { netns, request: { op: step.op, ...entry } };
    }
    case "route.add":
      return { netns: step.args.netns, request: { op: step.op, ...routeKeys(step.args) } };
    case "route.del":
      return { netns: step.args.netns, request: { op: step.op, ...routeKeys(step.args) } };
    case "rule.add":
    case "rule.del": {
      const { netns, kind: _kind, ...rule } = step.args;
      return { netns, request: { op: step.op, ...rule, protocol } };
    }
    default:
      return undefined;
  }
}

/** A lifetime in the past would be refused; one second ends it as well. */
const SHORTEST = 1;

function addAddress({ dev, address, validUntil, preferredUntil }: AddressSpec, now: number): Request {
  const left = (end: number): number => Math.max(SHORTEST, Math.round(end - now));
  const valid = validUntil === undefined ? undefined : left(validUntil);
  const preferred = preferredUntil === undefined ? valid : Math.max(0, Math.round(preferredUntil - now));
  return {
    op: "address.add",
    dev,
    address,
    proto: protocol,
    noDad: true,
    ...(valid === undefined ? {} : { validLifetime: valid }),
    ...(preferred === undefined ? {} : { preferredLifetime: Math.min(preferred, valid ?? preferred) }),
  };
}

type RouteKeys = Omit<Extract<Request, { op: "route.add" }>, "op">;

function routeKeys({ netns: _netns, kind: _kind, ...route }: RouteSpec): RouteKeys {
  // A route without a router leads to the link itself.
  const direct = route.via === undefined && route.dev !== undefined;
  return { ...route, ...(direct ? { scope: "link" } : {}), protocol };
}

function setLink({ netns, ...rest }: StepArguments["link.set"]): NetlinkStep {
  return { netns, request: { op: "link.set", ...rest } };
}

function addLink(spec: StepArguments["link.add"]): NetlinkStep {
  const { netns, name, mac, mtu, master, peer, lower, down } = spec;
  const common = {
    op: "link.add",
    name,
    group: OWNER.linkGroup,
    up: down !== true,
    ...(mac === undefined ? {} : { mac }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(master === undefined ? {} : { master }),
  } as const;
  switch (spec.type) {
    case "veth": {
      if (peer === undefined) throw new TypeError(`the veth ${name} has no other end: it is made from there`);
      const far = {
        name: peer.name,
        mac: peer.mac,
        ...(peer.mtu === undefined ? {} : { mtu: peer.mtu }),
        up: true,
        group: OWNER.linkGroup,
        // Without a place the far end is born beside the near one.
        ...(peer.netns === netns ? {} : { netnsPath: pathOf(peer.netns) }),
      };
      return { netns, request: { ...common, type: spec.type, peer: far } };
    }
    // Asked for from where its UDP socket shall be: it stays there (FINDINGS.md 3.8).
    case "wireguard": {
      const { bornIn = HOST } = spec;
      return { netns: bornIn, request: { ...common, type: spec.type, ...placedIn(netns, bornIn) } };
    }
    case "vlan":
    case "macvlan":
    case "macvtap": {
      // Asked for where the lower link is: its number counts there.
      const place = { lower: spec.lower.name, ...placedIn(netns, spec.lower.netns) };
      const request =
        spec.type === "vlan"
          ? { ...common, ...place, type: spec.type, options: spec.options }
          : { ...common, ...place, type: spec.type, options: spec.options };
      return { netns: spec.lower.netns, request };
    }
    case "vxlan": {
      const place = lower === undefined ? {} : { lower: lower.name, ...placedIn(netns, lower.netns) };
      return { netns: lower?.netns ?? netns, request: { ...common, ...place, type: spec.type, options: spec.options } };
    }
    case "bond":
      return { netns, request: { ...common, type: spec.type, options: spec.options } };
    case "tun":
      return { netns, request: { ...common, type: spec.type, options: spec.options } };
    case "dummy":
    case "ifb":
      return { netns, request: { ...common, type: spec.type } };
    case "bridge":
      return {
        netns,
        request: { ...common, type: spec.type, options: { stp: false, forwardDelay: 0, ...spec.options } },
      };
    case "physical":
      throw new TypeError(`the NIC ${name} cannot be made: it is there or it is not`);
  }
}

function placedIn(netns: string, asked: string): { readonly netnsPath?: string } {
  return netns === asked ? {} : { netnsPath: pathOf(netns) };
}

function pathOf(netns: string): string {
  return netns === HOST ? OWN_NETNS : netnsPath(netns);
}
