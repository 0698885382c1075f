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
