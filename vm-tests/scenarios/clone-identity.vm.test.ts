import type { LabNode } from "../harness/node.ts";
import { scenario } from "../harness/scenario.ts";
import { GATEWAY, NETWORK } from "./gateway.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const names = Array.from({ length: 16 }, (_, index) => `clone${index + 1}`);

const topology = {
  networks: [NETWORK],
  nodes: { gateway: GATEWAY, ...Object.fromEntries(names.map((name) => [name, { nics: [NETWORK] }])) },
};

/** What nobody else may have, by name: a program prints it in a guest. */
const secrets: Readonly<Record<string, readonly string[]>> = {
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
    for (const [what, argv] of Object.entries(secrets)) {
      await step(what, async () => unique(what, await asked(clones, argv)));
    }
    await step("address by DHCP", async () => {
      const states = await Promise.all(clones.map((clone) => new NetloomGuest(clone).online(300_000)));
      return unique(
        "address by DHCP",
        states.map(({ uplink }) => uplink?.address ?? ""),
      );
    });
    const key = ["netloom", "key", "demo"];
    await step("key of a resource", async () => unique("key of a resource", await asked(clones, key)));
    await step("link-local address", async () => unique("link-local address", await asked(clones, linkLocal)));
    // Cloned, a clock would stand where that of the template stood.
    for (const text of await asked(clones, ["date", "+%s"])) t.true(Math.abs(Number(text) - Date.now() / 1000) < 60);
    for (const [index, text] of (await asked(clones, ["cat", "/proc/cmdline"])).entries())
      t.false(text.includes("netloom.config="), `clone ${index + 1} has the command line of another node: ${text}`);
  },
);

const linkLocal = ["sh", "-c", "ip -6 -br address show dev eth0 scope link"];

function asked(clones: readonly LabNode[], argv: readonly string[]): Promise<readonly string[]> {
  return Promise.all(clones.map(async (clone) => (await clone.run(argv, { timeoutMs: 120_000 })).trim()));
}

function unique(what: string, values: readonly string[]): string {
  const shared = values.filter((value, index) => value === "" || values.indexOf(value) !== index);
  if (shared.length > 0) throw new Error(`${what}: "${shared[0]}" is nothing, or of two clones`);
  return `${values.length} of ${values.length}, such as ${values[0]}`;
}
