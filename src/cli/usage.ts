/** Thrown for a command line that makes no sense; exit code 2. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

export const USAGE: string = `netloom: turns a bare machine into a networked node

  netloom daemon [--root DIR] [--config DIR] [--socket PATH] [--runtime DIR] [--services DIR] [--appliance]
                 [--supervisor s6|zinit|zinit-line|direct] [--guard-seconds N]
  netloom boot-plan --cmdline STR --facts FILE [--json]   what a node would make of a kernel command line; asks no daemon
  netloom plan FILE...            what apply would do, step by step
  netloom apply FILE...           apply documents; "-" reads standard input
  netloom apply --confirm [FILE...]   keep the change that waits; with files, apply them unchecked
  netloom delete [--confirm] KIND NAME   remove a document and all that it made
  netloom show [KIND [NAME]] [--json | --yaml]   documents, as apply accepts them
  netloom status [--json | --facts]   uplink and why, services, peers, what fails; --facts: what the uplink was chosen by
  netloom wait-online [--timeout S]   ends once the node is online; with 1 when it is not within S seconds
  netloom key RESOURCE            the public half of this node's WireGuard key for a resource
  netloom --version | --help

  A change that touches the uplink is reverted within a minute unless the gateway still answers, or it is confirmed.
  Clients find the daemon by --socket PATH or NETLOOM_SOCKET (default /run/netloom.sock).
  Exit codes: 0 done, 1 refused or failed, 2 usage.
`;

/** What one line cannot say of a command. */
const MORE: Readonly<Record<string, string>> = {
  daemon: `
  --root DIR        documents, keys, the chosen uplink: kept over a reboot (/var/cache/modules/network)
  --config DIR      YAML files that always hold (/etc/netloom)
  --socket PATH     where clients find it (/run/netloom.sock)
  --runtime DIR     services, leases and records of this boot (/run/netloom)
  --services DIR    what s6-svscan watches, or the socket of a zinit (/run/service)
  --supervisor KIND who keeps services alive; found by itself when left out
  --appliance       this machine is Netloom's own: keep its clock, host name and resolv.conf
  --guard-seconds N until a change to the uplink is reverted, unless its check passes (50)
  --cmdline STR     instead of the kernel's (/proc/cmdline)
  --log-level WORD  trace, debug, info, warn, error or fatal (info)
`,
  "boot-plan": `
  FILE is what \`netloom status --facts\` prints, or by hand at least
    {"nics": [{"name": "eth0", "mac": "52:54:00:12:34:56", "carrier": true}]}
  and "-" reads it from standard input. NICs none of which has a "probe" are taken to have all that is asked for.
  docs/kernel-flags.md has the words that STR may hold.
`,
};

/** The lines of `USAGE` about one command, and more; all of it when there is no such command. */
export function usageOf(command: string): string {
  const lines = USAGE.split("\n");
  const own = lines.flatMap((line, at) => {
    if (!line.startsWith(`  netloom ${command} `)) return [];
    // A line that is too long goes on below, further to the right.
    const next = lines.slice(at + 1).findIndex((other) => !other.startsWith("    "));
    return [line, ...lines.slice(at + 1, at + 1 + next)];
  });
  return own.length === 0 ? USAGE : `${own.join("\n")}\n${MORE[command] ?? ""}`;
}
