import { lstat, mkdir, readFile, readdir, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeFileAtomic } from "../../src/lib/atomic-file.ts";
import { errorCode } from "../../src/lib/errors.ts";
import { didYouMean } from "../../src/lib/nearest.ts";
import { statFields } from "../harness/proc-stat.ts";
import { UsageError, shownCommand } from "./command.ts";
import { canConnect } from "./control-client.ts";

/** What is known of a running lab from outside of it. */
export type LabRecord = {
  readonly name: string;
  /** The topology file that it was started from. */
  readonly file: string;
  readonly artifacts: string;
  /** ISO 8601 */
  readonly started: string;
  /** Process on the host that is its root. */
  readonly process?: ProcessId;
  /** Of a place whose lab is still to come: who starts it, or the run that may keep it. */
  readonly run?: ProcessId;
};

/** A process, and since when it runs (clock ticks, proc_pid_stat(5)): its number may be another's later. */
type ProcessId = { readonly pid: number; readonly since: string };

/** A lab that is there: it answers, or its process is about to. */
export type RunningLab = { readonly directory: string; readonly record: LabRecord; readonly answers: boolean };

/** Longest path of a unix socket in bytes: unix(7). */
const longestSocket = 107;
/** A directory without a record belongs to somebody who has just made it, but not for so long. */
const startingMs = 10_000;

/**
 * The directory in which this user's labs have one of their own: `NETLOOM_LABS`, or one in /tmp, whose path is short and the same
 * in every session of the user. It is there while a lab is.
 */
export function labsDirectory(): string {
  return process.env["NETLOOM_LABS"] ?? `/tmp/netloom-labs-${process.getuid?.() ?? 0}`;
}

/** @throws when somebody else made the directory of labs, or others may enter it. */
async function requireOwn(directory: string): Promise<void> {
  const found = await lstat(directory);
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0) return;
  throw new Error(
    `cannot use ${directory} for labs: it is to be a directory of yours that nobody else may enter (0700); remove it, or name another by NETLOOM_LABS`,
  );
}

/** Name of the directory below dist/labs for what a lab leaves; no scenario has one of that name. */
export function artifactsOf(name: string): string {
  return `up-${name}`;
}

/** The control socket in the directory of a lab. */
export function controlSocket(directory: string): string {
  return join(directory, "control");
}

/** Takes the name of a lab: gives a new directory for it. @throws when a lab of that name is there. */
export async function claimName(name: string): Promise<string> {
  const base = labsDirectory();
  const directory = join(base, name);
  const socket = controlSocket(directory);
  if (Buffer.byteLength(socket) > longestSocket)
    throw new Error(
      `cannot start "${name}": ${socket} is longer than the path of a socket may be, ${longestSocket} bytes`,
    );
  // What a killed one left goes, so that the name is free.
  const running = await runningLabs();
  try {
    // The end of another lab may just have removed the place for all.
    await mkdir(base, { mode: 0o700, recursive: true });
    await requireOwn(base);
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
    const other = running.find(({ record }) => record.name === name);
    throw new Error(
      `a lab named "${name}" is there already${other === undefined ? "" : `, of ${other.record.file}`}: give this one another name (--name NAME), or end that one (${shownCommand(`down ${name}`)})`,
      { cause: error },
    );
  }
  return directory;
}

/** Removes the directory of a lab that has ended, and with the last one the place for all. */
export async function removeTraces(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await rmdir(dirname(directory)).catch(() => {});
}

/** Writes what others can know of a lab, who may be reading it. */
export async function writeRecord(directory: string, record: LabRecord): Promise<void> {
  await writeFileAtomic(join(directory, "lab.json"), `${JSON.stringify(record)}\n`, 0o600);
}

/** All labs of this user that run, by name. What killed ones left behind is removed. */
export async function runningLabs(): Promise<readonly RunningLab[]> {
  const base = labsDirectory();
  const names = await readdir(base).catch((error: unknown): string[] => {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  });
  if (names.length > 0) await requireOwn(base);
  const found = await Promise.all(names.toSorted().map((name) => lookAt(join(base, name))));
  return found.filter((lab) => lab !== undefined);
}

async function lookAt(directory: string): Promise<RunningLab | undefined> {
  const record = await readRecord(directory);
  const answers = await canConnect(controlSocket(directory));
  if (record !== undefined && (answers || (await isAlive(record)))) return { directory, record, answers };
  // There is no lab yet, or not any more: who made the place removes it.
  if (record?.run !== undefined && (await isThere(record.run))) return undefined;
  const age = Date.now() - ((await stat(directory).catch(() => undefined))?.mtimeMs ?? 0);
  if (record !== undefined || age > startingMs) await rm(directory, { recursive: true, force: true });
  return undefined;
}

async function readRecord(directory: string): Promise<LabRecord | undefined> {
  try {
    return JSON.parse(await readFile(join(directory, "lab.json"), "utf8")) as LabRecord;
  } catch {
    // Not written yet.
    return undefined;
  }
}

/** True while the process of a lab is there, and not another one that got its number later. */
export async function isAlive({ process: owner }: LabRecord): Promise<boolean> {
  return owner !== undefined && (await isThere(owner));
}

async function isThere({ pid, since }: ProcessId): Promise<boolean> {
  return (await startOf(pid)) === since;
}

/** This process. */
export async function ourselves(): Promise<ProcessId> {
  return { pid: process.pid, since: (await startOf(process.pid)) ?? "" };
}

/** Since when a process runs; undefined when there is none. A zombie is none. */
export async function startOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = statFields(text);
  return fields[0] === "Z" ? undefined : fields[19];
}

/** The lab of a name, or the only one there is. @throws UsageError that names those there are. */
export async function findLab(name: string | undefined): Promise<RunningLab> {
  const labs = await runningLabs();
  const names = labs.map(({ record }) => record.name);
  const start = `start one: ${shownCommand("up FILE")}`;
  if (labs.length === 0) throw new UsageError(`there is no lab${name === undefined ? "" : ` "${name}"`}: ${start}`);
  if (name === undefined) {
    const [only, second] = labs;
    if (only !== undefined && second === undefined) return only;
    throw new UsageError(`there are several labs: say which one by --lab NAME (${names.join(", ")})`);
  }
  const found = labs.find(({ record }) => record.name === name);
  if (found === undefined)
    throw new UsageError(`there is no lab "${name}"${didYouMean(name, names)} (${names.join(", ")})`);
  return found;
}
