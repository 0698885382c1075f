import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { cacheRoot } from "../../scripts/lib/cache-root.ts";
import { ensureLabImage } from "../../scripts/lib/lab-image.ts";
import { say } from "../../scripts/lib/progress.ts";
import { repository } from "../../scripts/lib/repository.ts";
import { type Bind, toolboxCommand } from "../../scripts/lib/toolbox-enter.ts";
import type { Topology } from "../harness/topology.ts";
import { runSettings } from "../harness/run-settings.ts";
import { loadTopology } from "../harness/topology-file.ts";
import { type LabCommand, UsageError, parseWords, shownCommand, userFile } from "./command.ts";
import { ControlClient } from "./control-client.ts";
import { endLab } from "./down.ts";
import { describeLabText } from "./graph-text.ts";
import type { LabDescription } from "./messages.ts";
import {
  type LabRecord,
  artifactsOf,
  claimName,
  controlSocket,
  labsDirectory,
  ourselves,
  runningLabs,
  startOf,
  writeRecord,
} from "./places.ts";

const usage = "up FILE [--name NAME]";

/** Starts a lab that goes on when the command has ended. */
export const upCommand: LabCommand = {
  words: "FILE [--name NAME]",
  what: "start the lab of a topology file; it runs until `down`",
  example: "up examples/labs/gateway.yaml",
  run: async (given) => {
    const { options, words } = parseWords(given, { name: "string" }, [1, 1], usage);
    const file = userFile(words[0] ?? "");
    const loaded = await loadTopology(file, words[0]);
    requireHostFiles(loaded.topology);
    const name = options.name ?? loaded.name;
    if (!/^[a-z][a-z0-9-]{0,31}$/u.test(name))
      throw new UsageError(`"${name}" is no name for a lab: 1 to 32 of a-z, 0-9 and -, and a letter first`);
    const image = await ensureLabImage();
    const description = await startLab(name, file, loaded.topology, image);
    const others = (await runningLabs()).length > 1;
    process.stdout.write(`${describeLabText(description)}\n${howToEnter(description, others)}`);
    return 0;
  },
};

function howToEnter({ name, nodes, links, artifacts }: LabDescription, others: boolean): string {
  const which = others ? `--lab ${name} ` : "";
  const node = nodes.findLast(({ agent }) => agent)?.name ?? "NODE";
  const link = links.at(-1)?.name;
  const lines = [
    shownCommand(`shell ${which}${node}`),
    shownCommand(`exec ${which}${node} -- ip address`),
    ...(link === undefined ? [] : [shownCommand(`link ${which}${link} loss=5% delay=50ms±10`)]),
    ...(link === undefined ? [] : [shownCommand(`capture ${which}${link}`)]),
    shownCommand(`down ${name}`),
  ];
  return `\nconsoles, captures and the picture are in ${artifacts}; enter and end it by\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

/** Files of the host that nodes want, with what each is for. */
function hostFiles({
  nodes,
}: Topology): readonly { readonly path: string; readonly of: string; readonly write: boolean }[] {
  return Object.entries(nodes).flatMap(([node, { files = {}, ...spec }]) => [
    ...(["disk", "kernel", "initrd"] as const).flatMap((key) => {
      const path = spec[key];
      return path === undefined ? [] : [{ path, of: `the ${key} of node "${node}"`, write: key === "disk" }];
    }),
    ...Object.entries(files).flatMap(([at, file]) =>
      typeof file === "string" || !("from" in file)
        ? []
        : [{ path: file.from, of: `what node "${node}" gets as ${at}`, write: false }],
    ),
  ]);
}

function requireHostFiles(topology: Topology): void {
  const missing = hostFiles(topology).filter(({ path }) => !existsSync(path));
  if (missing.length > 0)
    throw new Error(missing.map(({ path, of }) => `${path} does not exist: it was to be ${of}`).join("\n"));
}

/** Shows the lab's process what lies outside of the repository and the cache. */
function bindsFor(file: string, artifacts: string, topology: Topology): readonly Bind[] {
  const inside = (path: string): boolean =>
    [repository, cacheRoot()].some((directory) => path.startsWith(`${directory}/`));
  // A module may import its neighbours; the toolbox has its own of these directories.
  const own = ["/", "/tmp", "/run", "/root", "/var/tmp", "/mnt"];
  const around = /\.[cm]?[jt]s$/u.test(file) && !own.includes(dirname(file)) ? dirname(file) : file;
  return [
    { path: around, probe: file, write: false },
    { path: dirname(artifacts), probe: artifacts, write: true },
    ...hostFiles(topology).map(({ path, write }) => ({ path, probe: path, write })),
  ]
    .filter(({ probe }) => !inside(probe))
    .map(({ path, write }) => ({ from: path, readOnly: !write }));
}

async function startLab(name: string, file: string, topology: Topology, image: string): Promise<LabDescription> {
  const directory = await claimName(name);
  const log = join(directory, "log");
  const artifacts = join(runSettings(process.env).artifacts, artifactsOf(name));
  let record: LabRecord = { name, file, artifacts, started: new Date().toISOString() };
  try {
    // Its process may be long in coming: until then the place is ours.
    await writeRecord(directory, { ...record, run: await ourselves() });
    const command = ["node", "vm-tests/lab/lab-main.ts", name, file, directory];
    await mkdir(artifacts, { recursive: true });
    const env = { NETLOOM_IMAGE: image, NETLOOM_ARTIFACTS: dirname(artifacts) };
    const argv = await toolboxCommand(command, {
      binds: [{ from: labsDirectory() }, ...bindsFor(file, artifacts, topology)],
      env,
      rootless: true,
      detached: true,
    });
    await using output = await open(log, "a", 0o600);
    const [program = "", ...args] = argv;
    const child = spawn(program, args, {
      cwd: repository,
      detached: true,
      stdio: ["ignore", output.fd, output.fd],
      env: { ...process.env, ...env },
    });
    const ended = new Promise<string>((tell) => {
      child.once("error", (error) => tell(error.message));
      child.once("exit", (code, signal) => tell(`it ended with ${signal ?? `status ${code}`}`));
    });
    const { pid } = child;
    const since = pid === undefined ? undefined : await startOf(pid);
    if (pid !== undefined && since !== undefined) record = { ...record, process: { pid, since } };
    await writeRecord(directory, record);
    const description = await becomeReady(directory, ended);
    child.unref();
    return description;
  } catch (error) {
    await endLab({ directory, record, answers: true });
    throw error;
  }
}

/** Waits for the lab, showing its log. Who interrupts ends the lab too. */
async function becomeReady(directory: string, ended: Promise<string>): Promise<LabDescription> {
  let end: string | undefined;
  void ended.then((how) => (end = how));
  const connected = async (): Promise<ControlClient> => {
    for (;;) {
      // Read before the attempt: it may end in between.
      const over = end;
      try {
        return await ControlClient.connect(controlSocket(directory));
      } catch (error) {
        if (over !== undefined) {
          const said = await readFile(join(directory, "log"), "utf8").catch(() => "");
          throw new Error(`the process of the lab did not start: ${over}\n${said.trim()}`.trim(), { cause: error });
        }
        await delay(20);
      }
    }
  };
  using client = await connected();
  const stop = (): void => void client.ask({ op: "stop" }).catch(() => {});
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  try {
    return (await client.ask({ op: "ready" }, { onLog: (line) => say("lab", line) })) as LabDescription;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, stop);
  }
}
