import { createHash } from "node:crypto";
import { didYouMean } from "../../src/lib/nearest.ts";
import { type LinkProperties, linkContradictions } from "./link-properties.ts";

/** A file for a guest: its content, or that and the mode (0644 unless told), or a copy of a file of the host. */
export type GuestFileSpec =
  | string
  | { readonly content: string | Uint8Array; readonly mode?: number }
  | { readonly from: string; readonly mode?: number };

/** Files by their absolute path in a guest. */
export type GuestFiles = Readonly<Record<string, GuestFileSpec>>;

/** Where a NIC is plugged in: the name of a network, or that with what its cable and its card are like. */
export type NicSpec =
  | string
  | ({
      readonly network: string;
      /** Derived from the seed and the names unless told. */
      readonly mac?: string;
    } & LinkProperties);

/** One virtual machine. */
export type NodeSpec = {
  /** Its NICs in order: eth0, eth1, … */
  readonly nics: readonly NicSpec[];
  /** A kernel (bzImage or ELF) instead of that of the image. The image's initramfs is not used then: it fits its own kernel. */
  readonly kernel?: string;
  /** An initramfs instead of that of the image. */
  readonly initrd?: string;
  /**
   * Words added to the kernel command line: that of the image or, with a kernel or initramfs of its own, that of a lab, which only
   * names the serial console.
   */
  readonly cmdline?: string;
  /** MiB; 384 unless told. */
  readonly memory?: number;
  /** Blobs that the guest finds under /sys/firmware/qemu_fw_cfg/by_name/NAME/raw. Names begin with "opt/". */
  readonly fwCfg?: Readonly<Record<string, string>>;
  /** Raw disk image, attached as virtio-blk. */
  readonly disk?: string;
  /** Laid over the root file system in each boot before any service starts. */
  readonly files?: GuestFiles;
  /**
   * "cold" boots the kernel at power-on. Else the node starts as a clone of a template that was booted once, unless something
   * of it must be there when the kernel starts: a disk, a clock, firmware files, words for the kernel itself. "network" gives
   * it no kernel: its firmware asks one NIC after the other for one (PXE).
   */
  readonly boot?: "clone" | "cold" | "network";
  /** False for what has no agent of ours, so that nobody waits for it; true unless told. */
  readonly agent?: boolean;
  /** What the console says when it is up; waited for in each boot, beside the agent if it has one. */
  readonly ready?: RegExp;
  /** A graphics card, for `screendump`; such a node boots from cold and slower, for its kernel must ask the firmware for it. */
  readonly screen?: boolean;
  /** What its clock says at power-on, such as "2020-01-01T00:00:00" in UTC; the host's time unless told. */
  readonly rtc?: string;
  /** Console lines that this node provokes on purpose and that no rule shall judge. */
  readonly expectedOnConsole?: readonly RegExp[];
};

/** Networks (each one layer-2 segment) and the nodes on them. */
export type Topology = {
  readonly networks: readonly string[];
  readonly nodes: Readonly<Record<string, NodeSpec>>;
};

/** One end of a cable: a NIC of a node in a network. */
export type Link = {
  /** "n1.eth0" */
  readonly name: string;
  readonly node: string;
  readonly nic: string;
  readonly network: string;
  readonly mac: string;
  /** What it does to frames from the start on. */
  readonly properties: LinkProperties;
};

/** The network that a NIC is plugged into. */
export function networkOfNic(nic: NicSpec): string {
  return typeof nic === "string" ? nic : nic.network;
}

const namePattern = /^[a-z][a-z0-9-]{0,14}$/;

/** One thing wrong with a topology, and the path of keys and positions to it. */
export type TopologyIssue = { readonly path: readonly (string | number)[]; readonly message: string };

/** Everything that is wrong with a topology, one line each; empty when it can be started. */
export function checkTopology(topology: Topology): readonly string[] {
  return topologyIssues(topology).map(({ message }) => message);
}

/** The same with the place of each. */
export function topologyIssues({ networks, nodes }: Topology): readonly TopologyIssue[] {
  const named = [
    ...networks.map((name, index) => ({ name, path: ["networks", index] })),
    ...Object.keys(nodes).map((name) => ({ name, path: ["nodes", name] })),
  ];
  const badNames = named
    .filter(({ name }) => !namePattern.test(name))
    .map(({ name, path }) => ({
      path,
      message: `"${name}": a name is 1 to 15 of a-z, 0-9 and -, and begins with a letter`,
    }));
  const empty = Object.keys(nodes).length === 0 ? [{ path: ["nodes"], message: "a topology needs a node" }] : [];
  const ofNodes = Object.entries(nodes).flatMap(([node, spec]) =>
    nodeIssues(node, spec, networks).map(({ path, message }) => ({ path: ["nodes", node, ...path], message })),
  );
  return [...badNames, ...empty, ...ofNodes, ...macIssues({ networks, nodes })];
}

function nodeIssues(
  node: string,
  { nics, fwCfg = {} }: NodeSpec,
  networks: readonly string[],
): readonly TopologyIssue[] {
  const unplugged = nics.flatMap((nic, index): readonly TopologyIssue[] => {
    const network = networkOfNic(nic);
    if (networks.includes(network)) return [];
    const known = networks.length === 0 ? "there are no networks" : `the networks are ${networks.join(", ")}`;
    const meant = didYouMean(network, networks);
    return [
      {
        path: ["nics", index],
        message: `node "${node}" is plugged into "${network}"${meant === "" ? `: ${known}` : `${meant} (${known})`}`,
      },
    ];
  });
  const links = nics.flatMap((nic, index) =>
    typeof nic === "string" ? [] : linkContradictions(nic).map((message) => ({ path: ["nics", index], message })),
  );
  const firmware = Object.keys(fwCfg).filter((name) => !name.startsWith("opt/"));
  return [
    ...unplugged,
    ...links,
    ...firmware.map((name) => ({
      path: ["fwCfg", name],
      message: `node "${node}": fw_cfg name "${name}" must begin with "opt/"`,
    })),
  ];
}

function macIssues(topology: Topology): readonly TopologyIssue[] {
  const sharing = Map.groupBy(linksOf(topology, 1), ({ mac }) => mac);
  return [...sharing].flatMap(([mac, links]) => {
    const [first, ...others] = links;
    return others.map(({ name, node, nic }) => ({
      path: ["nodes", node, "nics", Number(nic.slice(3)), "mac"],
      message: `${name} has the MAC address of ${first?.name ?? "another"}, ${mac}`,
    }));
  });
}

/** All links of a topology, in its order, with addresses that depend on nothing but the seed and the names. */
export function linksOf(topology: Topology, seed: number): readonly Link[] {
  return Object.entries(topology.nodes).flatMap(([node, { nics }]) =>
    nics.map((spec, index) => {
      const nic = `eth${index}`;
      const {
        network,
        mac = macOf(seed, node, nic),
        ...properties
      } = typeof spec === "string" ? { network: spec } : spec;
      return { name: `${node}.${nic}`, node, nic, network, mac: mac.toLowerCase(), properties };
    }),
  );
}

/** The machine id of a node (machine-id(5)), the same in every run with this seed. */
export function machineIdOf(seed: number, node: string): string {
  return createHash("sha256").update(`machine-id/${seed}/${node}`).digest("hex").slice(0, 32);
}

/** A MAC address out of QEMU's own range 52:54:00, the same in every run with this seed. */
export function macOf(seed: number, node: string, nic: string): string {
  // FNV-1a: short, stable, and no secret is at stake.
  let hash = 0x811c9dc5;
  for (const char of `${seed}/${node}/${nic}`) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  const low = [hash >>> 16, hash >>> 8, hash].map((byte) => (byte & 0xff).toString(16).padStart(2, "0"));
  return ["52", "54", "00", ...low].join(":");
}
