import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import { chmod, lstat, rename, rm } from "node:fs/promises";
import { connect } from "node:net";
import * as v from "valibot";
import { describeError, errorCode, isGone, NetloomError } from "../lib/errors.ts";
import type { Service } from "./service.ts";

/** No request is larger: a node's documents are text of some kilobytes. */
const MAX_BODY_BYTES = 4 << 20;
/** A request this many times too large is cut off. */
const PATIENCE = 8;
/** How long requests under way may hold up the end of the daemon. */
const CLOSE_MS = 5000;

interface Route {
  readonly method: string;
  /** Segments of the path; ":" stands for a parameter. */
  readonly path: readonly string[];
  readonly handle: (service: Service, parameters: readonly string[], request: IncomingMessage) => Promise<unknown>;
}

const ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: ["v1", "plan"],
    handle: async (service, _parameters, request) => await service.plan(await json(request)),
  },
  {
    method: "POST",
    path: ["v1", "apply"],
    handle: async (service, _parameters, request) => await service.apply(await json(request)),
  },
  {
    method: "GET",
    path: ["v1", "documents"],
    handle: (service) => Promise.resolve({ documents: service.documents(), yaml: service.documentsYaml() }),
  },
  {
    method: "DELETE",
    path: ["v1", "documents", ":", ":"],
    handle: (service, [kind, name], { url = "" }) =>
      service.delete(kind, name, new URLSearchParams(url.split("?")[1]).get("confirm") === "true"),
  },
  { method: "POST", path: ["v1", "confirm"], handle: (service) => service.confirm() },
  {
    method: "GET",
    path: ["v1", "online"],
    handle: (service, _parameters, { url = "" }) =>
      service.waitOnline(new URLSearchParams(url.split("?")[1]).get("seconds")),
  },
  { method: "GET", path: ["v1", "status"], handle: (service) => service.status() },
  { method: "POST", path: ["v1", "keys", ":"], handle: (service, [name]) => service.key(name) },
];

/** A socket that is ours, on which nothing is done yet. */
export interface ClaimedSocket extends AsyncDisposable {
  /** Serves from now on, until what it returns is disposed; until then whoever asks is told that we start. */
  readonly serve: (service: Service) => AsyncDisposable;
}

/**
 * Takes a unix socket that only its owner and group may open, for operations as JSON over HTTP. Who has it is the daemon of the state
 * beside it: nobody else changes that from now on, so only what is read from here on is sure to hold.
 */
export async function claimSocket(socketPath: string): Promise<ClaimedSocket> {
  await removeStale(socketPath);
  let service: Service | undefined;
  const server = createServer((request, response) => {
    if (service === undefined) refuse(response, starting(socketPath));
    else void answer(service, request, response);
  });
  // The mode has to hold from the moment the socket appears.
  const umask = process.umask(0o117);
  try {
    server.listen(socketPath);
    await once(server, "listening");
  } catch (error) {
    // Of two that start at once the other one was faster.
    throw errorCode(error) === "EADDRINUSE" ? taken(socketPath) : error;
  } finally {
    process.umask(umask);
  }
  await chmod(socketPath, 0o660);
  const end = async (): Promise<void> => {
    if (server.listening) await close(server);
  };
  return {
    serve(given) {
      service = given;
      return { [Symbol.asyncDispose]: end };
    },
    [Symbol.asyncDispose]: end,
  };
}

function starting(target: string): NetloomError {
  return new NetloomError({
    code: "unreachable",
    op: "reach the daemon at",
    target,
    why: "it is starting",
    hint: "try again in a moment",
  });
}

/** Lets requests that are under way end, but not for ever: a client may hold its connection open and say nothing. */
async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  const deadline = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
  await closed;
  clearTimeout(deadline);
}

/** A socket file that nobody serves is left from a crash; one that answers belongs to another daemon. */
async function removeStale(socketPath: string): Promise<void> {
  const found = await lstat(socketPath).catch((error: unknown) => {
    if (isGone(error)) return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new NetloomError({
      code: "refused",
      op: "listen on",
      target: socketPath,
      why: "it exists and is no socket",
      hint: "give --socket another path",
    });
  const why = await probe(socketPath);
  if (why === undefined) throw taken(socketPath);
  if (why === "ECONNREFUSED") await bury(socketPath);
}

/** Removes a socket that nobody serves. Somebody may have replaced it since it was asked: what is removed is asked once more, aside. */
async function bury(socketPath: string): Promise<void> {
  const aside = `${socketPath}.${process.pid}`;
  try {
    await rename(socketPath, aside);
  } catch (error) {
    if (isGone(error)) return;
    throw error;
  }
  if ((await probe(aside)) === undefined) {
    await rename(aside, socketPath);
    throw taken(socketPath);
  }
  await rm(aside, { force: true });
}

function taken(target: string): NetloomError {
  return new NetloomError({
    code: "refused",
    op: "listen on",
    target,
    why: "another daemon answers there",
    hint: "stop it, or give --socket another path",
  });
}

/** True when somebody answers at the socket. */
export async function isServed(socketPath: string): Promise<boolean> {
  return (await probe(socketPath)) === undefined;
}

/** Why nobody can be reached at a socket; undefined when somebody can. */
async function probe(socketPath: string): Promise<string | undefined> {
  const connection = connect(socketPath);
  try {
    await once(connection, "connect");
    return undefined;
  } catch (error) {
    return errorCode(error) ?? "failed";
  } finally {
    connection.destroy();
  }
}

async function answer(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const segments = segmentsOf(request.url ?? "/");
    const route = ROUTES.find(
      ({ method, path }) =>
        method === request.method &&
        path.length === segments.length &&
        path.every((part, index) => part === ":" || part === segments[index]),
    );
    if (route === undefined)
      throw new NetloomError({
        code: "not-found",
        op: "answer",
        target: `${request.method ?? ""} ${request.url ?? ""}`,
        why: "there is no such operation",
      });
    const parameters = segments.filter((_segment, index) => route.path[index] === ":");
    send(response, 200, await route.handle(service, parameters, request));
  } catch (error) {
    refuse(response, error);
  }
}

function refuse(response: ServerResponse, error: unknown): void {
  send(response, statusOf(error), {
    error: {
      code: errorCode(error) ?? "failed",
      message: v.isValiError(error) ? `the request ${error.message}` : describeError(error),
    },
  });
}

function segmentsOf(url: string): readonly string[] {
  const [path = ""] = url.split("?");
  try {
    return path.split("/").slice(1).map(decodeURIComponent);
  } catch (error) {
    throw new NetloomError({
      code: "invalid",
      op: "read the path",
      target: path,
      why: "its %-signs are wrong",
      cause: error,
    });
  }
}

const STATUS_OF: ReadonlyMap<string | undefined, number> = new Map([
  ["not-found", 404],
  ["refused", 409],
  ["invalid", 400],
  ["unreachable", 503],
]);

function statusOf(error: unknown): number {
  if (v.isValiError(error) || error instanceof SyntaxError) return 400;
  return STATUS_OF.get(errorCode(error)) ?? 500;
}

async function json(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // What is too much is still taken in for a while: a sender who is cut off does not read why.
    if (size > PATIENCE * MAX_BODY_BYTES) break;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (size > MAX_BODY_BYTES)
    throw new NetloomError({
      code: "invalid",
      op: "read",
      target: "the request",
      why: `it is larger than ${MAX_BODY_BYTES} bytes`,
    });
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}
