import { createInterface } from "node:readline";
import { findSupervisor, type SupervisorPlaces } from "../host/supervisor/find.ts";
import type { ServiceState } from "../host/host.ts";
import { describeError } from "../lib/errors.ts";
import type { ActualProcess } from "../model/actual.ts";
import { processHash } from "../model/definition-hash.ts";
import type { ProcessSpec } from "../model/kernel.ts";

/** A word to a daemon that does nothing but keep services. */
export type SupervisorRequest =
  | { readonly set: ProcessSpec }
  | { readonly remove: string; readonly keep?: readonly string[] }
  | "look";

export interface SupervisorAnswer {
  readonly kind: string;
  /** What became of a change, in the words of its error. */
  readonly failed?: string;
  readonly list: readonly ActualProcess[];
  readonly states: readonly ServiceState[];
  readonly problems: readonly string[];
}

/** `node supervisor-command.ts PLACES`: answers each line of JSON by a line of JSON, with what the supervisor has afterwards. */
const supervisor = await findSupervisor(JSON.parse(process.argv[2] ?? "") as SupervisorPlaces);

async function answer(request: SupervisorRequest): Promise<SupervisorAnswer> {
  const failed = await change(request).then(
    () => undefined,
    (error: unknown) => describeError(error),
  );
  const seen = { list: await supervisor.list().catch(() => []), states: await supervisor.states().catch(() => []) };
  const told = { kind: supervisor.kind, problems: supervisor.problems(), ...seen };
  return failed === undefined ? told : { ...told, failed };
}

async function change(request: SupervisorRequest): Promise<void> {
  if (request === "look") await supervisor.list();
  else if ("set" in request) await supervisor.set(request.set, processHash(request.set));
  else await supervisor.remove(request.remove, request.keep);
}

process.stdout.write(`${JSON.stringify(await answer("look"))}\n`);
for await (const line of createInterface(process.stdin)) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as SupervisorRequest))}\n`);
}
