/** One virtual machine: its NICs in order (eth0, eth1, …) by the network they are plugged into. */
export type NodeSpec = {
  readonly nics: readonly string[];
  /** Words added to the kernel command line of the image. */
  readonly cmdline?: string;
  /** MiB; 384 unless told. */
  readonly memory?: number;
  /** Blobs that the guest finds under /sys/firmware/qemu_fw_cfg/by_name/NAME/raw. Names begin with "opt/". */
  readonly fwCfg?: Readonly<Record<string, string>>;
  /** Raw disk image, attached as virtio-blk. */
  readonly disk?: string;
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
};

const namePattern = /^[a-z][a-z0-9-]{0,14}$/;

/** Everything that is wrong with a topology, one line each; empty when it can be started. */
export function checkTopology(topology: Topology): readonly string[] {
  const issues: string[] = [];
  const names = [...topology.networks, ...Object.keys(topology.nodes)];
  for (const name of names) {
    if (!namePattern.test(name))
      issues.push(`"${name}": a name is 1 to 15 of a-z, 0-9 and -, and begins with a letter`);
  }
  if (Object.keys(topology.nodes).length === 0) issues.push("a topology needs a node");
  for (const [node, { nics, fwCfg = {} }] of Object.entries(topology.nodes)) {
    for (const network of nics) {
      if (!topology.networks.includes(network)) {
        issues.push(`node "${node}" is plugged into "${network}": the networks are ${topology.networks.join(", ")}`);
      }
    }
    for (const name of Object.keys(fwCfg)) {
      if (!name.startsWith("opt/")) issues.push(`node "${node}": fw_cfg name "${name}" must begin with "opt/"`);
    }
  }
  return issues;
}

/** All links of a topology, in its order, with addresses that depend on nothing but the seed and the names. */
export function linksOf(topology: Topology, seed: number): readonly Link[] {
  return Object.entries(topology.nodes).flatMap(([node, { nics }]) =>
    nics.map((network, index) => {
      const nic = `eth${index}`;
      return { name: `${node}.${nic}`, node, nic, network, mac: macOf(seed, node, nic) };
    }),
  );
}

/** A MAC address out of QEMU's own range 52:54:00, the same in every run with this seed. */
export function macOf(seed: number, node: string, nic: string): string {
  // FNV-1a: short, stable, and no secret is at stake.
  let hash = 0x811c9dc5;
  for (const char of `${seed}/${node}/${nic}`) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  const low = [hash >>> 16, hash >>> 8, hash].map((byte) => (byte & 0xff).toString(16).padStart(2, "0"));
  return ["52", "54", "00", ...low].join(":");
}
