import type { ProcessSpec } from "../../model/kernel.ts";
import { inNetns } from "../exec.ts";
import { LEAVING } from "./lease.ts";

export interface RunPlaces {
  /** The service's directory. */
  readonly directory: string;
  readonly cgroup: string;
  /** The file that is there while the node is online. */
  readonly onlineFlag: string;
  /** A named pipe that takes what the service says, when it is not to go to the supervisor. */
  readonly output?: string | undefined;
}

/**
 * The program that every supervisor runs for a service. It ends what an earlier run left behind, also one that a supervisor forgot
 * when it was killed, writes down who it is, waits for what the service needs, and becomes the service: one process id all along.
 */
export function runScript(spec: ProcessSpec, { directory, cgroup, onlineFlag, output }: RunPlaces): string {
  const environment = [
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    ...Object.entries(spec.env).map(([key, value]) => `${key}=${value}`),
  ];
  const command = [...inNetns(spec.netns, ["env", "-i", ...environment, ...spec.argv])].map(quote).join(" ");
  const wait = (spec.needs ?? []).map(() => `while [ ! -e ${quote(onlineFlag)} ]; do sleep 0.3; done\n`).join("");
  // `<>` because a pipe opened only for writing waits for its reader.
  const say = output === undefined ? "" : `exec 1<>${quote(output)}\n`;
  return `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
${say}exec 2>&1
group=${quote(cgroup)}
pidfile=${quote(`${directory}/pid`)}
# A process id and the time of its start (proc_pid_stat(5)) tell a process from a later one with its number.
started() { read -r stat 2>/dev/null <"/proc/$1/stat" && set -- \${stat##*) } && shift 19 && start=$1; }
populated() { while read -r key value; do [ "$key $value" = "populated 1" ] && return; done; return 1; }
# One after the other, where there is flock(1): of two that were started shortly before and after a supervisor was killed, each would
# miss the other, and both run on.
exec 9>>${quote(`${directory}/lock`)}
flock 9 2>/dev/null
start=
if read -r pid old 2>/dev/null <"$pidfile" && [ "$pid" != $$ ] && started "$pid" && [ "$start" = "$old" ]; then
  kill -KILL "-$pid" "$pid" 2>/dev/null
fi
if mkdir -p "$group" 2>/dev/null; then
  echo 1 2>/dev/null >"$group/cgroup.kill"
  tries=200
  while [ $tries -gt 0 ] && populated 2>/dev/null <"$group/cgroup.events"; do sleep 0.02; tries=$((tries - 1)); done
  echo $$ 2>/dev/null >"$group/cgroup.procs"
fi
started $$
echo "$$ $start" >"$pidfile"
exec 9>&-
# It gave back what it held, and would ask for it again.
[ ! -e ${quote(`${directory}/${LEAVING}`)} ] || exec sleep 2147483647
${wait}exec ${command}
`;
}

/** Ends whatever the service left behind, also what called setsid or ignores signals (cgroup.kill, kernel cgroup-v2). */
export function finishScript(cgroup: string): string {
  return `#!/bin/sh
echo 1 2>/dev/null >${quote(cgroup)}/cgroup.kill
exit 0
`;
}

/** A word that a shell takes as it is. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
