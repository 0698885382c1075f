import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readIfExists, writeFileAtomic } from "../../lib/atomic-file.ts";
import { describeError } from "../../lib/errors.ts";
import { SUPERVISORS, type SupervisorKind } from "../../model/supervisor.ts";
import { Direct } from "./direct.ts";
import type { Backend, Supervisor } from "./index.ts";
import { isScanned, S6 } from "./s6.ts";
import { Services } from "./services.ts";
import { isZinit, Zinit } from "./zinit.ts";
import { isZinitLine, ZinitLine } from "./zinit-line.ts";

export interface SupervisorPlaces {
  /** Our service directories. */
  readonly services: string;
  /** The directory that s6-svscan watches, or the socket of a zinit. */
  readonly place: string;
  /** The one to use, whatever there is. */
  readonly wish?: SupervisorKind | undefined;
  /** Where zinit listens when `place` is no socket. */
  readonly sockets?: readonly string[];
  /** Where zinit up to 0.2.14 reads its units. */
  readonly units?: string;
}

const SOCKETS = ["/run/zinit.sock", "/var/run/zinit.sock"];
const UNITS = "/etc/zinit";

/**
 * The supervisor of this machine: the one that is wished for; else the one that has our services already, unless that is none and a
 * real one came; else s6, where somebody watches the scan directory; else zinit, as its socket answers; else none. Services that
 * another one had are stopped there, so that nothing runs twice.
 */
export async function findSupervisor(places: SupervisorPlaces): Promise<Supervisor> {
  const record = join(dirname(places.services), "supervisor");
  const recorded = parseKind(await readIfExists(record));
  const kind = places.wish ?? (recorded === undefined || recorded === "direct" ? await probe(places) : recorded);
  const left = recorded === undefined || recorded === kind ? [] : await leave(await open(recorded, places));
  await writeFileAtomic(record, `${kind}\n`);
  return new Services(places.services, await open(kind, places), left);
}

async function open(kind: SupervisorKind, places: SupervisorPlaces): Promise<Backend> {
  const { services, place, units = UNITS } = places;
  if (kind === "s6") return new S6(place, services);
  if (kind === "direct") return new Direct(services);
  const socket = await socketOf(places);
  if (kind === "zinit-line") return new ZinitLine({ socket, services, units });
  return new Zinit({ socket, services, pidFile: join(dirname(services), "zinit.pid") });
}

async function probe(places: SupervisorPlaces): Promise<SupervisorKind> {
  if (await isScanned(places.place)) return "s6";
  const socket = await socketOf(places);
  if (!(await isSocket(socket))) return "direct";
  if (await isZinit(socket)) return "zinit";
  return (await isZinitLine(socket)) ? "zinit-line" : "direct";
}

/** The first place of a zinit where there is a socket. */
async function socketOf({ place, sockets = SOCKETS }: SupervisorPlaces): Promise<string> {
  for (const path of [place, ...sockets]) if (await isSocket(path)) return path;
  return sockets[0] ?? place;
}

async function isSocket(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isSocket(),
    () => false,
  );
}

/** Has a supervisor give up our services. @returns what went wrong: one that is gone has none any more, and cannot say so */
async function leave(backend: Backend): Promise<readonly string[]> {
  try {
    for (const name of await backend.kept()) await backend.stop(name);
    return [];
  } catch (error) {
    return [`services may still be kept by ${backend.kind}, which had them before: ${describeError(error)}`];
  }
}

function parseKind(text: string | undefined): SupervisorKind | undefined {
  const word = text?.trim();
  return SUPERVISORS.find((kind) => kind === word);
}
