import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { parse } from "yaml";

/**
 * A stand-in for zinit up to 0.2.14, which no registry has: its line protocol and its habits as COMPAT.md section 6 has them. A
 * program on its own, so that it can be killed: `node zinit-line-server.ts SOCKET UNITS`.
 */
interface Config {
  readonly exec: string;
  readonly oneshot?: boolean;
  readonly after?: readonly string[];
  readonly test?: string;
}

interface Unit {
  readonly name: string;
  readonly config: Config;
  state: string;
  target: "Up" | "Down";
  child: ChildProcess | undefined;
}

/** It tries again after this, whatever a process ended with, as long as it is wanted. */
const RESTART_MS = 2000;
const TEST_MS = 2000;

const [socketPath = "", unitsDirectory = ""] = process.argv.slice(2);
const units = new Map<string, Unit>();

/** Told of every change: what is blocked looks again. */
let changed = Promise.withResolvers<void>();

function notify(): void {
  changed.resolve();
  changed = Promise.withResolvers();
}

/** Keeps a unit's process running while it is wanted. */
async function watch(unit: Unit): Promise<void> {
  while (unit.target === "Up") {
    while (!isFree(unit)) {
      unit.state = "Blocked";
      await changed.promise;
    }
    const [program = "", ...words] = unit.config.exec.split(/\s+/u);
    const child = spawn(program, words, { cwd: "/", detached: true, stdio: ["ignore", "pipe", "pipe"] });
    const ended = once(child, "exit").catch(() => undefined);
    if (child.pid === undefined) {
      await ended;
      unit.state = "Failure";
      return;
    }
    child.stdout.resume();
    child.stderr.resume();
    unit.child = child;
    unit.state = unit.config.oneshot === true ? "Running" : "Spawned";
    if (unit.config.oneshot !== true) void passTest(unit, child);
    await ended;
    unit.child = undefined;
    unit.state = child.exitCode === 0 ? "Success" : `Error(${child.signalCode ?? `Exited(${child.exitCode})`})`;
    notify();
    if (unit.config.oneshot === true) return;
    await delay(RESTART_MS);
  }
}

async function passTest(unit: Unit, child: ChildProcess): Promise<void> {
  const { test } = unit.config;
  for (; unit.child === child; await delay(TEST_MS)) {
    const [program = "", ...words] = (test ?? "").split(/\s+/u);
    const [code] = test === undefined ? [0] : await once(spawn(program, words, { stdio: "ignore" }), "exit");
    if (code !== 0) continue;
    unit.state = "Running";
    notify();
    return;
  }
}

/** What it waits for runs, or has succeeded once; what nobody knows may come. */
function isFree({ config }: Unit): boolean {
  return (config.after ?? []).every((name) => {
    const other = units.get(name);
    return (
      other !== undefined && (other.state === "Success" || (other.state === "Running" && other.config.oneshot !== true))
    );
  });
}

function load(name: string): Config {
  try {
    return parse(readFileSync(join(unitsDirectory, `${name}.yaml`), "utf8")) as Config;
  } catch {
    throw new Error("failed to load service config");
  }
}

function monitor(name: string): null {
  if (units.has(name)) throw new Error(`service "${name}" already monitored`);
  const unit: Unit = { name, config: load(name), state: "Unknown", target: "Up", child: undefined };
  units.set(name, unit);
  void watch(unit);
  notify();
  return null;
}

function find(name: string): Unit {
  const unit = units.get(name);
  if (unit === undefined) throw new Error(`service name "${name}" unknown`);
  return unit;
}

/** Signals go to the process group. */
function signal({ child, name }: Unit, word: string): void {
  if (child?.pid === undefined) throw new Error(`service "${name}" is down`);
  process.kill(-child.pid, word);
}

const COMMANDS: Readonly<Record<string, (...words: string[]) => unknown>> = {
  list: () => Object.fromEntries([...units].map(([name, { state }]) => [name, state])),
  status: (name = "") => {
    const { state, target, child, config } = find(name);
    const after = Object.fromEntries(
      (config.after ?? []).map((other) => [other, units.get(other)?.state ?? "Unknown"]),
    );
    return { name, pid: child?.pid ?? 0, state, target, after };
  },
  monitor: (name = "") => monitor(name),
  start: (name = "") => {
    const unit = find(name);
    unit.target = "Up";
    if (unit.child === undefined) void watch(unit);
    return null;
  },
  stop: (name = "") => {
    const unit = find(name);
    unit.target = "Down";
    if (unit.child !== undefined) signal(unit, "SIGTERM");
    return null;
  },
  forget: (name = "") => {
    const unit = find(name);
    if (unit.target === "Up" || unit.child !== undefined) throw new Error(`service "${name}" is up`);
    units.delete(name);
    return null;
  },
  kill: (name = "", word = "") => {
    signal(find(name), word);
    return null;
  },
};

function answer(line: string): unknown {
  const [command = "", ...words] = line.trim().split(/\s+/u);
  try {
    const run = COMMANDS[command];
    if (run === undefined || (command === "kill" ? 2 : command === "list" ? 0 : 1) !== words.length)
      throw new Error(`unknown command '${command}' or wrong arguments count`);
    return { state: "ok", body: run(...words) };
  } catch (error) {
    return { state: "error", body: error instanceof Error ? error.message : String(error) };
  }
}

/** One command a connection; the answer has no line break, and the end of the connection ends it. */
async function serve(connection: Socket): Promise<void> {
  connection.on("error", () => undefined);
  for await (const line of createInterface(connection)) {
    connection.end(JSON.stringify(answer(line)));
    return;
  }
}

await rm(socketPath, { force: true });
// All units that it finds when it starts.
for (const file of await readdir(unitsDirectory))
  if (file.endsWith(".yaml")) tryMonitor(file.slice(0, -".yaml".length));
createServer((connection) => void serve(connection)).listen(socketPath);

/** A bad file is passed over. */
function tryMonitor(name: string): void {
  try {
    monitor(name);
  } catch (error) {
    process.stderr.write(`${name}: ${String(error)}\n`);
  }
}
