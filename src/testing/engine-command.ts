import { once } from "node:events";
import { createInterface } from "node:readline";
import { parseDaemonArguments } from "../cli/daemon-options.ts";
import { runDaemon } from "../daemon.ts";
import type { Engine } from "../engine/engine.ts";
import type { Joined, JoinRequest } from "../engine/members.ts";
import { requestsOfProcess } from "../host/addon.ts";
import { describeError } from "../lib/errors.ts";
import type { Report } from "../model/report.ts";

/** What can be asked of an engine, one at a time or several at once. */
export type EngineRequest =
  | { readonly op: "join"; readonly joins: readonly JoinRequest[] }
  | { readonly op: "leave"; readonly lan: string; readonly names: readonly string[] }
  | { readonly op: "look" };

/** What became of each request: its result, or why there is none. */
export interface EngineAnswer {
  readonly joined?: readonly (Joined | { readonly refused: string })[];
  readonly left?: readonly (Report | { readonly refused: string })[];
  readonly passes: number;
  readonly report: Report | null;
  readonly problems: readonly string[];
  /** Messages sent to the kernel by this process: those that ask, and those that change. */
  readonly reads: number;
  readonly changes: number;
}

/**
 * `engine [the options of netloom daemon]`: a daemon whose members come and go by lines of JSON on its standard input, until that
 * ends. It says `{}` when it is ready, and answers each line by one.
 */
export async function engineCommand(words: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
  const started = (engine: Engine): void => {
    const lines = createInterface(process.stdin);
    lines.on("line", (line) => {
      void answer(engine, JSON.parse(line) as EngineRequest).then(say);
    });
    void once(lines, "close").then(() => stop.abort());
    say({});
  };
  await runDaemon(parseDaemonArguments([...words, "--log-level", "silent"], process.env), stop.signal, { started });
  return 0;
}

async function answer(engine: Engine, request: EngineRequest): Promise<EngineAnswer> {
  const results = await take(engine, request);
  const { total, report, problems } = engine.view;
  return { ...results, passes: total, report, problems, ...requestsOfProcess() };
}

async function take(engine: Engine, request: EngineRequest): Promise<Pick<EngineAnswer, "joined" | "left">> {
  if (request.op === "join") return { joined: await all(request.joins.map((join) => engine.join(join))) };
  if (request.op === "leave") return { left: await all(request.names.map((name) => engine.leave(request.lan, name))) };
  return {};
}

async function all<T>(waiting: readonly Promise<T>[]): Promise<readonly (T | { readonly refused: string })[]> {
  const settled = await Promise.allSettled(waiting);
  return settled.map((one) => (one.status === "fulfilled" ? one.value : { refused: describeError(one.reason) }));
}
