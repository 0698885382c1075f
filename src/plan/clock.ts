import type { ClockFact, Facts, Uplink } from "../model/facts.ts";
import { HOST, type KernelObject, type ProcessSpec } from "../model/kernel.ts";
import { correctionFile } from "../model/runtime-files.ts";
import type { NodeSettings } from "../model/settings.ts";

/** So long what needs dates waits for a time server that does not answer. */
export const CLOCK_PATIENCE_SECONDS = 30;

/** A router's advertisement may come before the lease that names time servers; so long after the cable that is waited for. */
const LEASE_SECONDS = 5;

/**
 * The first answer of any server sets the clock. chronyd by itself waits for several, 4.4 s where this takes 0.24 (measured on one
 * machine), and what needs dates waits for it. A server that does not answer is not waited for longer than the others need.
 */
const RUN_SCRIPT = `#!/bin/sh
dir="\${NETLOOM_CORRECTED%/*}"
# chronyd may not remove it at its end, and would take another program that has its number for itself.
rm -f "$dir/chronyd.pid"
if [ -n "$NETLOOM_FIRST" ] && [ ! -e "$NETLOOM_CORRECTED" ] && chronyd -q -t 10 -f "$NETLOOM_FIRST"; then
  read -r up _ </proc/uptime
  echo "$up" >"$NETLOOM_CORRECTED.new" && mv -f "$NETLOOM_CORRECTED.new" "$NETLOOM_CORRECTED"
fi
rm -f "$dir/chronyd.pid"
exec chronyd -d -f "$dir/chrony.conf"
`;

/** The servers that this node asks for the time; without an uplink those that the settings name. */
export function serversOf(settings: NodeSettings, uplink: Uplink | null): readonly string[] {
  return uplink?.ntp ?? settings.ntp.value;
}

/**
 * chronyd, when this daemon keeps the clock. WireGuard falls silent on a clock that went back
 * (FINDINGS.md 3.2), so the first correction and the next three may step, later ones slew.
 */
export function compileClock(
  settings: NodeSettings,
  facts: Pick<Facts, "appliance" | "runtimeDir">,
  servers: readonly string[],
): readonly ProcessSpec[] {
  const serve = settings.ntpServe.value;
  if (!facts.appliance || (servers.length === 0 && serve.length === 0)) return [];
  const directory = `${facts.runtimeDir}/chrony`;
  const corrected = correctionFile(facts.runtimeDir);
  const run = `${directory}/run`;
  const firstConf = `${directory}/first.conf`;
  // The command socket and the pid file of the package's default would need directories that the image lacks.
  const common = ["cmdport 0", "bindcmdaddress /", `pidfile ${directory}/chronyd.pid`];
  const lines = [
    ...servers.map((server) => `server ${server} iburst`),
    ...serve.map((network) => `allow ${network}`),
    ...(serve.length > 0 ? ["local stratum 10"] : []),
    "makestep 1 3",
    // Without it the kernel is never told that the clock is right (chrony.conf(5)).
    "rtcsync",
    ...common,
  ];
  const first = [...servers.map((server) => `server ${server} iburst maxsamples 1`), ...common];
  const file = (path: string, text: readonly string[]): ProcessSpec["files"][number] => ({
    path,
    content: `${text.join("\n")}\n`,
  });
  return [
    {
      kind: "process",
      netns: HOST,
      name: "chrony",
      argv: ["sh", run],
      env: { NETLOOM_CORRECTED: corrected, ...(servers.length === 0 ? {} : { NETLOOM_FIRST: firstConf }) },
      files: [
        file(`${directory}/chrony.conf`, lines),
        { path: run, content: RUN_SCRIPT },
        ...(servers.length === 0 ? [] : [file(firstConf, first)]),
      ],
      writes: [corrected],
    },
  ];
}

/** What becomes of everything that needs dates, WireGuard before all: peers ignore one whose clock went back. */
export interface ClockGate {
  /** The time servers that are asked; empty when nobody said any, or somebody else keeps the clock. */
  readonly servers: readonly string[];
  /** What it waits for; null when it may start. */
  readonly waits: string | null;
  /** Seconds since the kernel started at which it starts in any case. */
  readonly until?: number;
  readonly synchronised: boolean;
}

/** What of a unit does not need dates: all but WireGuard's links and what is on them. */
export function withoutWireguard(objects: readonly KernelObject[]): readonly KernelObject[] {
  const tunnels = new Set(
    objects.flatMap((object) => (object.kind === "link" && object.type === "wireguard" ? [object.name] : [])),
  );
  return objects.filter((object) => {
    if (object.kind === "link") return object.type !== "wireguard";
    return !("dev" in object && object.dev !== undefined && tunnels.has(object.dev));
  });
}

/** What a daemon that starts again has to know, so that it stops nothing that runs. */
export type ClockMemory = Pick<ClockFact, "since" | "askedAt" | "passed">;

/** What is known after a pass that compiled to `gate`, at `now` seconds since the kernel started. */
export function clockMemory(known: ClockMemory, { servers, waits, synchronised }: ClockGate, now: number): ClockMemory {
  const { since, askedAt, passed = false } = known;
  return {
    ...(since !== undefined || synchronised ? { since: since ?? now } : {}),
    ...(askedAt !== undefined || servers.length > 0 ? { askedAt: askedAt ?? now } : {}),
    ...(passed || waits === null ? { passed: true } : {}),
  };
}

/**
 * Whether the clock is good enough for WireGuard: synchronised, or nothing will come of waiting. Only a machine of ours waits, once
 * in a boot; what has started is not stopped because a time server went away. Without an uplink nobody can be reached, and so nobody
 * harmed by waiting, unless there is a `publicSide`.
 */
export function clockGate(settings: NodeSettings, facts: Facts, uplink: Uplink | null, publicSide: boolean): ClockGate {
  const { synchronised, passed = false, askedAt } = facts.clock;
  if (!facts.appliance) return { servers: [], waits: null, synchronised };
  const servers = serversOf(settings, uplink);
  const open: ClockGate = { servers, waits: null, synchronised };
  if (passed || synchronised) return open;
  if (uplink === null && settings.wantsUplink.value && !publicSide)
    return { ...open, waits: "an uplink, by which the time is asked for" };
  if (uplink !== null && servers.length === 0 && settings.addressing.value.dhcp4) {
    const { lease4, since = 0 } = uplink.nic.probe ?? {};
    const leaseBy = since + LEASE_SECONDS;
    if (lease4 === undefined && facts.now < leaseBy)
      return { ...open, waits: "a lease, which may name a time server", until: leaseBy };
  }
  const until = (askedAt ?? facts.now) + CLOCK_PATIENCE_SECONDS;
  if (servers.length === 0 || facts.now >= until) return open;
  return { ...open, waits: `the time from ${servers.join(", ")}`, until };
}
