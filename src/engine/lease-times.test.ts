/** What time does to leases: from the client's report to the kernel and back. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { readLeases } from "../host/leases.ts";
import { addressesOf } from "../host/observe/tables.ts";
import type { Link } from "../host/netlink-types.ts";
import { uptime } from "../lib/uptime.ts";
import type { ProbeFact } from "../model/facts.ts";
import { HOST, OWNER } from "../model/kernel.ts";
import { diff } from "../plan/diff/index.ts";
import { explain } from "../plan/explain.ts";
import { networkOf } from "../plan/nic-network.ts";
import { settings } from "../plan/settings.ts";
import { compileOwnAddresses } from "../plan/uplink-addresses.ts";
import { NO_FLAGS } from "../model/boot-flags.ts";
import { facts, lease, nic } from "../testing/builders.ts";
import { emptyKernel, physicalNic } from "../testing/memory-kernel.ts";
import { nextExpiry } from "./pass.ts";

async function leasesOf(t: ExecutionContext, report: string, now: number): ReturnType<typeof readLeases> {
  const dir = await mkdtemp(join(tmpdir(), "netloom-test-"));
  t.teardown(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, "eth0.6"), report);
  return await readLeases(dir, now);
}

const zos = { index: 7, name: "zos" } as Link;

/** The address on `zos` as the kernel tells it, with so many seconds left. */
function seen(now: number, validLifetime: number, preferredLifetime: number): ReturnType<typeof addressesOf> {
  const address = { index: 7, address: "2001:db8::17/128", family: 6, scope: "global", flags: [] } as const;
  const addresses = [{ ...address, proto: OWNER.protocol, validLifetime, preferredLifetime }];
  return addressesOf({
    netns: HOST,
    now,
    isAdopted: () => false,
    bornIn: () => "",
    tables: { links: [zos], addresses, routes: [] },
  });
}

test("an address that is no longer preferred is set once, and not in every pass until it ends", async (t) => {
  const report = "addresses=2001:db8::17/128,1837,3637 \nobtained=37\n";
  const steps = async (now: number, preferred: number): Promise<readonly string[]> => {
    const { v6 } = await leasesOf(t, report, now);
    const probe: ProbeFact = { since: 1, ...(v6[0] === undefined ? {} : { lease6: v6[0] }) };
    const network = networkOf(settings(null, NO_FLAGS), nic("eth0", { probe }));
    const wanted = compileOwnAddresses({ netns: HOST, dev: "zos" }, network);
    const kernel = { ...emptyKernel(), link: [physicalNic("zos", 7)], address: seen(now, 3637 - now, preferred) };
    return diff(kernel, wanted).steps.map(explain);
  };
  t.deepEqual(await steps(1000, 837), []);
  t.deepEqual(await steps(1836, 1), []);
  for (const now of [1838, 2000, 3600]) t.deepEqual(await steps(now, 0), [], `${now} s`);
});

test("the next look is no later than the end of anything that was leased or advertised", (t) => {
  const now = uptime();
  const six = { nic: "eth0", addresses: [], prefixes: [], dns: [], ntp: [], search: [], obtainedAt: 0 };
  const until = (end: number): { readonly preferredUntil: number; readonly validUntil: number } => ({
    preferredUntil: end,
    validUntil: end,
  });
  const probes: Readonly<Record<string, Partial<ProbeFact>>> = {
    "a DHCPv4 lease": { lease4: lease("eth0", { expiresAt: now + 20 }) },
    "a DHCPv6 address": { lease6: { ...six, addresses: [{ address: "2001:db8::17/128", ...until(now + 20) }] } },
    "a delegated prefix": { lease6: { ...six, prefixes: [{ prefix: "2001:db8:100::/56", ...until(now + 20) }] } },
    "a doubted lease": { lease6: { ...six, doubtedUntil: now + 20 } },
    "an advertised name server": {
      ra: { managed: false, other: false, addresses: [], dns: ["2001:db8::53"], search: [], expiresAt: now + 20 },
    },
  };
  for (const [what, probe] of Object.entries(probes)) {
    const milliseconds = nextExpiry(facts({ nics: [nic("eth0", { probe: { since: 0, ...probe } })] }));
    t.true(milliseconds <= 20_000, `${what}: ${milliseconds} ms`);
  }
});
