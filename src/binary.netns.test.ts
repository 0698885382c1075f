/** The binary that ships: what it must not do, and what it must not need. */
import { access, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "ava";
import { output, run, start } from "./testing/child.ts";
import { FAULT_MARK } from "./testing/fault.ts";
import { Sandbox } from "./testing/sandbox.ts";
import { BINARY, TEST_BINARY, TestNode } from "./testing/test-node.ts";
import { VERSION } from "./version.ts";

const [binary = ""] = BINARY.argv;
const [testBinary = ""] = TEST_BINARY.argv;
const addon = join(dirname(binary), "netloom.node");

/** A directory with everything that could make Bun run foreign code, each leaving a file when it does. */
async function trap(): Promise<{ readonly dir: string; readonly traces: readonly string[] }> {
  const dir = await mkdtemp(join(tmpdir(), "netloom-trap-"));
  const preload = (trace: string): string =>
    `require("node:fs").writeFileSync(${JSON.stringify(join(dir, trace))}, "it ran");\n`;
  await writeFile(join(dir, "bunfig.toml"), 'preload = ["./evil.js"]\n[run]\npreload = ["./evil.js"]\n');
  await writeFile(join(dir, "evil.js"), preload("preload-ran"));
  await writeFile(
    join(dir, ".env"),
    `NETLOOM_SOCKET=${dir}/planted.sock\nBUN_OPTIONS=--preload=${dir}/evil.js\nNODE_OPTIONS=--require=${dir}/evil.js\n`,
  );
  await writeFile(join(dir, "package.json"), '{"name": "netloom", "version": "6.6.6", "main": "./evil.js"}\n');
  await writeFile(join(dir, "tsconfig.json"), '{"compilerOptions": {"paths": {"*": ["./evil.js"]}}}\n');
  return { dir, traces: ["preload-ran"] };
}

test("nothing that lies in the working directory runs or is obeyed, by the client or by the daemon", async (t) => {
  const { dir, traces } = await trap();
  t.deepEqual(await run([binary, "--version"], { cwd: dir }), { code: 0, out: `${VERSION}\n`, err: "" });
  // A planted .env would send it to a planted socket.
  const { err } = await run([binary, "status"], { cwd: dir });
  t.regex(err, /cannot reach the daemon at \/run\/netloom\.sock/u);
  const node = await TestNode.start(t, { runtime: BINARY });
  await node.stopDaemon("SIGTERM");
  await node.startDaemon(dir);
  for (const trace of traces) await t.throwsAsync(access(join(dir, trace)), { code: "ENOENT" });
});

/** The command that runs one with these directories read-only; what is mounted below stays, as this repository may be there. */
function withReadOnly(directories: readonly string[], argv: readonly string[]): readonly string[] {
  const mounts = directories.map((path) => `mount --rbind ${path} ${path} && mount -o remount,bind,ro ${path} && `);
  return ["unshare", "--mount", "--propagation", "private", "sh", "-c", `${mounts.join("")}exec "$@"`, "sh", ...argv];
}

test("it needs no environment, no writable /tmp and no home", async (t) => {
  const bare = withReadOnly(["/tmp", "/root"], ["env", "-i", binary]);
  t.deepEqual(await run([...bare, "--version"]), { code: 0, out: `${VERSION}\n`, err: "" });
  const { code, err } = await run([...bare, "status", "--socket", "/nowhere"]);
  t.is(code, 1);
  t.regex(err, /^netloom: cannot reach the daemon at \/nowhere: the socket does not exist; /u);
});

test("the daemon runs with /tmp read-only: its addon is loaded from beside it", async (t) => {
  await using sandbox = await Sandbox.open();
  const places = Object.entries({
    root: "/run/n/root",
    runtime: "/run/n/run",
    config: "/run/n/etc",
    services: "/run/n/service",
    socket: "/run/n.sock",
  });
  const words = places.flatMap(([key, value]) => [`--${key}`, value]);
  const command = ["env", "-i", `PATH=${process.env["PATH"] ?? ""}`, binary, "daemon", ...words, "--cmdline", "quiet"];
  const daemon = sandbox.start(withReadOnly(["/tmp"], command));
  t.teardown(() => daemon.process.kill("SIGKILL"));
  const status = await sandbox.until("its status", async () => {
    if (daemon.process.exitCode !== null) throw new Error(daemon.said());
    const { code, out } = await run([
      "nsenter",
      `--target=${daemon.pid}`,
      "--mount",
      "--",
      binary,
      "status",
      "--socket",
      "/run/n.sock",
    ]);
    return code === 0 && !out.includes("reconcile none yet") ? out : undefined;
  });
  t.regex(status, /^node [^]*reconcile unchanged/u);
});

/** The newest version of glibc's symbols that an ELF file asks for. */
async function newestGlibc(path: string): Promise<number> {
  const symbols = await output(["objdump", "-T", path]);
  const minors = [...symbols.matchAll(/GLIBC_2\.(\d+)/gu)].map(([, minor]) => Number(minor));
  return Math.max(...minors);
}

test("binary and addon ask for no newer glibc than the image has", async (t) => {
  const [, has = "0"] = /(?:GLIBC|GNU libc)[^\n]* 2\.(\d+)/u.exec(await output(["ldd", "--version"])) ?? [];
  for (const path of [addon, binary]) {
    const needs = await newestGlibc(path);
    t.true(needs > 0 && needs <= Number(has), `${path} needs 2.${needs}, the image has 2.${has}`);
  }
});

test("the switch that makes the daemon fail is in the binary of tests and not in the one that ships", async (t) => {
  const marked = async (path: string): Promise<boolean> => (await readFile(path)).includes(FAULT_MARK);
  t.deepEqual(await Promise.all([testBinary, binary].map(marked)), [true, false]);
  const refused = await run([binary, "daemon", "--fault", "kill:0"]);
  t.is(refused.code, 2);
  t.regex(refused.err, /--fault/u);
});

test("a pipe that is closed early is no error", async (t) => {
  const child = start([binary, "--help"]);
  // Long before it has started to write.
  child.process.stdout?.destroy();
  t.like(await child.ended, { code: 0, err: "" });
});
