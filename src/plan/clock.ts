import type { Facts } from "../model/facts.ts";
import type { NodeSettings } from "../model/settings.ts";
import { HOST, type ProcessSpec } from "../model/kernel.ts";

/**
 * chronyd, when this daemon keeps the clock. WireGuard falls silent on a clock that went back
 * (FINDINGS.md 3.2), so the first three corrections may step, later ones slew.
 */
export function compileClock(
  { ntp, ntpServe }: NodeSettings,
  facts: Facts,
  uplinkServers: readonly string[],
): readonly ProcessSpec[] {
  const servers = [...new Set([...uplinkServers, ...ntp.value])];
  if (!facts.appliance || (servers.length === 0 && ntpServe.value.length === 0)) return [];
  const path = `${facts.runtimeDir}/chrony/chrony.conf`;
  const lines = [
    ...servers.map((server) => `server ${server} iburst`),
    ...ntpServe.value.map((network) => `allow ${network}`),
    ...(ntpServe.value.length > 0 ? ["local stratum 10"] : []),
    "makestep 1 3",
    "rtcsync",
    "cmdport 0",
    // The command socket and the pid file of the package's default would need directories that the image lacks.
    "bindcmdaddress /",
    `pidfile ${facts.runtimeDir}/chrony/chronyd.pid`,
  ];
  return [
    {
      kind: "process",
      netns: HOST,
      name: "chrony",
      argv: ["chronyd", "-d", "-f", path],
      env: {},
      files: [{ path, content: `${lines.join("\n")}\n` }],
      writes: [],
    },
  ];
}
