import type { LabNode } from "../harness/node.ts";
import { scenario } from "../harness/scenario.ts";
import type { TopologyDeclaration } from "../harness/topology-schema.ts";

const names = Array.from({ length: 16 }, (_, index) => `clone${index + 1}`);
/** The others run nothing but a DHCP client: sixteen daemons that start at once would keep two cores busy for minutes. */
const withNetloom = names.slice(0, 3);

/** Event script of udhcpc6, which says the address that it was given to nobody else. */
const printLease = "/usr/lib/lab/print-lease6";
/** Whose addresses are asked for: those of the uplink's bridge where there is one. */
const linkOf = ({ name }: LabNode): string => (withNetloom.includes(name) ? "zos" : "eth0");
const own = { nics: ["lan"], files: { [printLease]: { content: '#!/bin/sh\necho "lease6 $ipv6"\n', mode: 0o755 } } };

const topology: TopologyDeclaration = {
  networks: ["lan"],
  nodes: {
    gateway: { role: "gateway", nics: ["lan"] },
    ...Object.fromEntries(names.map((name) => [name, withNetloom.includes(name) ? own : { role: "debian", ...own }])),
  },
};

/** What nobody else may have, by name, and how a guest says it. A DHCPv6 server tells clients apart by DUID (RFC 8415, 11). */
const identities: Readonly<Record<string, (clone: LabNode) => Promise<string | undefined>>> = {
  "host name": (clone) => clone.run(["hostname"]),
  "machine id": (clone) => clone.run(["cat", "/etc/machine-id"]),
  "boot id": (clone) => clone.run(["cat", "/proc/sys/kernel/random/boot_id"]),
  "MAC address": (clone) => clone.run(["cat", "/sys/class/net/eth0/address"]),
  "random bytes of the kernel": (clone) => clone.run(["sh", "-c", "head -c 32 /dev/urandom | sha256sum"]),
  UUID: (clone) => clone.run(["cat", "/proc/sys/kernel/random/uuid"]),
  "WireGuard key": (clone) => clone.run(["wg", "genkey"]),
  "address by DHCP": (clone) => clone.until("a lease", () => leased(clone), 180_000),
  "address by DHCPv6": async (clone) => {
    const client = ["busybox", "udhcpc6", "-f", "-n", "-q", "-t", "20", "-i", linkOf(clone), "-s", printLease];
    return /^lease6 (\S+)$/mu.exec(await clone.run(client, { timeoutMs: 180_000 }))?.[1];
  },
  "link-local address": (clone) =>
    clone.run(["ip", "-6", "-br", "address", "show", "dev", linkOf(clone), "scope", "link"]),
};

scenario(
  "no key, id, lease or random byte is shared by any two of 16 clones",
  { group: "full", topology, boot: ["gateway"], timeoutMs: 600_000 },
  async ({ t, lab, step }) => {
    await step("a gateway serves", () => lab.node("gateway").waitForConsole(/netloom: online/u));
    await step("sixteen clones start", () => lab.boot(names));
    const clones = names.map((name) => lab.node(name));
    for (const [what, tell] of Object.entries(identities)) {
      await step(what, async () => unique(what, await Promise.all(clones.map(tell))));
    }
    await step("key of a resource", async () => {
      const key = (clone: LabNode): Promise<string> => clone.run(["netloom", "key", "demo"]);
      return unique("key of a resource", await Promise.all(clones.slice(0, withNetloom.length).map(key)));
    });
    for (const clone of clones) {
      // Cloned, a clock would stand where that of the template stood.
      t.true(Math.abs(Number(await clone.run(["date", "+%s"])) - Date.now() / 1000) < 60);
      t.false((await clone.run(["cat", "/proc/cmdline"])).includes("netloom.config="), "the gateway's command line");
    }
  },
);

async function leased(clone: LabNode): Promise<string | undefined> {
  return / (\d+\.\S+)/u.exec(await clone.run(["ip", "-4", "-br", "address", "show", "dev", linkOf(clone)]))?.[1];
}

function unique(what: string, values: readonly (string | undefined)[]): string {
  const bad = values.find((value, index) => value === undefined || values.indexOf(value) !== index);
  if (bad !== undefined || values.includes(undefined))
    throw new Error(`${what}: "${bad}" is nothing, or of two clones`);
  return `${values.length} of ${values.length}, such as ${values[0]?.trim()}`;
}
