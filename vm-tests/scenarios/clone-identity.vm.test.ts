import type { LabNode } from "../harness/node.ts";
import { resolveRoles } from "../harness/roles/index.ts";
import { scenario } from "../harness/scenario.ts";

const names = Array.from({ length: 16 }, (_, index) => `clone${index + 1}`);
/** The others run nothing but a DHCP client: sixteen daemons that start at once would keep two cores busy for minutes. */
const withNetloom = names.slice(0, 3);

const topology = resolveRoles({
  networks: ["lan"],
  nodes: {
    gateway: { role: "gateway", nics: ["lan"] },
    ...Object.fromEntries(
      names.map((name) => [name, withNetloom.includes(name) ? { nics: ["lan"] } : { role: "debian", nics: ["lan"] }]),
    ),
  },
});

/** What nobody else may have, by name: a program prints it in a guest. */
const identities: Readonly<Record<string, readonly string[]>> = {
  "host name": ["hostname"],
  "machine id": ["cat", "/etc/machine-id"],
  "boot id": ["cat", "/proc/sys/kernel/random/boot_id"],
  "MAC address": ["cat", "/sys/class/net/eth0/address"],
  "random bytes of the kernel": ["sh", "-c", "head -c 32 /dev/urandom | sha256sum"],
  UUID: ["cat", "/proc/sys/kernel/random/uuid"],
  "WireGuard key": ["wg", "genkey"],
};

scenario(
  "no key, id, lease or random byte is shared by any two of 16 clones",
  { group: "full", topology, timeoutMs: 600_000 },
  async ({ t, lab, step }) => {
    const clones = names.map((name) => lab.node(name));
    for (const [what, argv] of Object.entries(identities)) {
      await step(what, async () => unique(what, await asked(clones, argv)));
    }
    await step("address by DHCP", async () => unique("address by DHCP", await Promise.all(clones.map(leased))));
    // A server tells clients apart by their DUID (RFC 8415, section 11).
    await step("address by DHCPv6", async () => unique("address by DHCPv6", await Promise.all(clones.map(leased6))));
    await step("link-local address", async () => unique("link-local address", await asked(clones, linkLocal)));
    await step("key of a resource", async () => {
      const daemons = withNetloom.map((name) => lab.node(name));
      return unique("key of a resource", await asked(daemons, ["netloom", "key", "demo"]));
    });
    // Cloned, a clock would stand where that of the template stood.
    for (const text of await asked(clones, ["date", "+%s"])) t.true(Math.abs(Number(text) - Date.now() / 1000) < 60);
    for (const text of await asked(clones, ["cat", "/proc/cmdline"]))
      t.false(text.includes("netloom.config="), `a clone has the command line of the gateway: ${text}`);
  },
);

const linkLocal = ["ip", "-6", "-br", "address", "show", "dev", "eth0", "scope", "link"];

async function leased(clone: LabNode): Promise<string> {
  return clone.until(
    "a lease",
    async () => / (\d+\.\S+)/u.exec(await clone.run(["ip", "-4", "-br", "address", "show", "dev", "eth0"]))?.[1],
    180_000,
  );
}

/** Asks once and configures nothing. */
async function leased6(clone: LabNode): Promise<string> {
  const client = ["busybox", "udhcpc6", "-f", "-n", "-q", "-t", "20", "-i", "eth0", "-s", "/bin/true"];
  const { stdout, stderr } = await clone.exec(client, { timeoutMs: 180_000 });
  return /lease of (\S+) obtained/u.exec(stdout + stderr)?.[1] ?? "";
}

function asked(clones: readonly LabNode[], argv: readonly string[]): Promise<readonly string[]> {
  return Promise.all(clones.map(async (clone) => (await clone.run(argv, { timeoutMs: 120_000 })).trim()));
}

function unique(what: string, values: readonly string[]): string {
  const shared = values.find((value, index) => value === "" || values.indexOf(value) !== index);
  if (shared !== undefined) throw new Error(`${what}: "${shared}" is nothing, or of two clones`);
  return `${values.length} of ${values.length}, such as ${values[0]}`;
}
