import { parseArgs } from "node:util";
import { describeError } from "../lib/errors.ts";
import { SUPERVISORS, type SupervisorKind } from "../model/supervisor.ts";
import { UsageError } from "./usage.ts";

/** The words of `netloom daemon`, with their defaults. */
export interface DaemonArguments {
  /** State that outlives a reboot: documents, keys, the chosen uplink. */
  readonly root: string;
  /** Directory of YAML files that always hold. */
  readonly config: string;
  readonly socket: string;
  /** State of this boot: services, leases, records. */
  readonly runtime: string;
  /** Directory that s6-svscan watches, or the socket of a zinit. */
  readonly services: string;
  /** The supervisor to use; undefined to take the one that is there. */
  readonly supervisor: SupervisorKind | undefined;
  /** The kernel command line, or undefined to read /proc/cmdline. */
  readonly cmdline: string | undefined;
  /** This machine is Netloom's own: keep its clock, host name and resolv.conf. */
  readonly appliance: boolean;
  readonly logLevel: string;
  /** Seconds that a change to the uplink has until it is reverted, unless its connectivity check passes. */
  readonly guardSeconds: number;
}

/** The words that make another process of this program take the same options. */
export function daemonWords(options: DaemonArguments): readonly string[] {
  const { root, config, socket, runtime, services, supervisor, cmdline, appliance, logLevel, guardSeconds } = options;
  const values = { root, config, socket, runtime, services, "log-level": logLevel, "guard-seconds": `${guardSeconds}` };
  return [
    ...Object.entries(values).map(([name, value]) => `--${name}=${value}`),
    ...(cmdline === undefined ? [] : [`--cmdline=${cmdline}`]),
    ...(supervisor === undefined ? [] : [`--supervisor=${supervisor}`]),
    ...(appliance ? ["--appliance"] : []),
  ];
}

/** A change is reverted within a minute: what is left is for the last check and the steps back. */
const GUARD_SECONDS = "50";

export function parseDaemonArguments(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): DaemonArguments {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        root: { type: "string", default: "/var/cache/modules/network" },
        config: { type: "string", default: "/etc/netloom" },
        socket: { type: "string", default: environment["NETLOOM_SOCKET"] ?? "/run/netloom.sock" },
        runtime: { type: "string", default: "/run/netloom" },
        services: { type: "string", default: "/run/service" },
        supervisor: { type: "string" },
        cmdline: { type: "string" },
        appliance: { type: "boolean", default: false },
        "log-level": { type: "string", default: "info" },
        "guard-seconds": { type: "string", default: GUARD_SECONDS },
      },
    });
    const { root, config, socket, runtime, services, cmdline } = values;
    return {
      root,
      config,
      socket,
      runtime,
      services,
      supervisor: supervisorOf(values.supervisor),
      cmdline,
      appliance: values.appliance,
      logLevel: values["log-level"],
      guardSeconds: seconds(values["guard-seconds"]),
    };
  } catch (error) {
    throw new UsageError(describeError(error));
  }
}

function supervisorOf(word: string | undefined): SupervisorKind | undefined {
  if (word === undefined) return undefined;
  const kind = SUPERVISORS.find((one) => one === word);
  if (kind !== undefined) return kind;
  throw new UsageError(`--supervisor needs one of ${SUPERVISORS.join(", ")}, not '${word}'`);
}

function seconds(word: string): number {
  if (/^[1-9]\d{0,4}$/u.test(word)) return Number(word);
  throw new UsageError(`--guard-seconds needs a whole number of seconds from 1 to 99999, not '${word}'`);
}
