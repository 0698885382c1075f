import { setTimeout as delay } from "node:timers/promises";
import { type LabCommand, parseWords } from "./command.ts";
import { ControlClient } from "./control-client.ts";
import { type RunningLab, controlSocket, findLab, isAlive, removeTraces } from "./places.ts";

/** How long a lab may take to end by itself. */
const patienceMs = 20_000;

/** Ends a lab. */
export const downCommand: LabCommand = {
  words: "[NAME]",
  what: "end a lab; nothing of it is left but its artifacts",
  example: "down gateway",
  run: async (given) => {
    const { options, words } = parseWords(given, { lab: "string" }, [0, 1], "down [NAME]");
    const lab = await findLab(words[0] ?? options.lab);
    await endLab(lab);
    process.stdout.write(`${lab.record.name} has ended; its artifacts are in ${lab.record.artifacts}\n`);
    return 0;
  },
};

/** Asks a lab to end and waits until its processes and its directory are gone; one that does not answer is killed. */
export async function endLab({ directory, record }: RunningLab): Promise<void> {
  const limit = AbortSignal.timeout(patienceMs);
  const answered = await ask(controlSocket(directory), limit).catch(() => false);
  while (answered && !limit.aborted && (await isAlive(record))) await delay(20);
  // Its session is its own: bwrap, and all that is in the toolbox.
  if (record.process !== undefined && (await isAlive(record))) process.kill(-record.process.pid, "SIGKILL");
  while (await isAlive(record)) await delay(20);
  await removeTraces(directory);
}

async function ask(socket: string, limit: AbortSignal): Promise<boolean> {
  using client = await ControlClient.connect(socket);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  limit.addEventListener("abort", () => resolve(false), { once: true });
  const stopped = client.ask({ op: "stop" }).then(async () => {
    await client.closed();
    return true;
  });
  return Promise.race([stopped, promise]);
}
