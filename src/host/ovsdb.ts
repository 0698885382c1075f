import { createConnection, type Socket } from "node:net";
import { NetloomError } from "../lib/errors.ts";

/**
 * OVSDB (RFC 7047), the little of it that one client on a unix socket needs. By hand, since there is no kept library: of what npm has,
 * `ovsdb-client` was last published in 2016, speaks TCP only and is AGPL in its sources, and `ovsdb-js` ended at 0.0.11.
 */

/** Where Debian's ovsdb-server listens (ovs-ctl(8)). */
export const OVSDB_SOCKET = "/var/run/openvswitch/db.sock";

/** For one answer. It only matters when the server hangs. */
const ANSWER_MS = 5000;

/** One operation of a transaction (RFC 7047 section 5.2). */
export type OvsdbOperation = Readonly<Record<string, unknown>> & { readonly op: string };

/** What one operation gave: rows of a select, a count. */
interface OvsdbResult {
  readonly rows?: readonly OvsdbRow[];
  readonly count?: number;
}

/** Columns in the notation of RFC 7047 section 5.1: `setOf` and `mapOf` read them. */
export type OvsdbRow = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** A connection to ovsdb-server, one question at a time. */
export class Ovsdb implements Disposable {
  readonly #socket: Socket;
  readonly #path: string;
  #id = 0;
  #waiting: PromiseWithResolvers<unknown> | undefined;
  #ended: Error | undefined;

  private constructor(socket: Socket, path: string) {
    this.#socket = socket;
    this.#path = path;
    const texts = new JsonTexts();
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      try {
        for (const text of texts.take(chunk)) this.#hear(JSON.parse(text) as Message);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on("error", (error) => this.#end(error));
    socket.on("close", () => this.#end(new Error("ovsdb-server closed the connection")));
  }

  /** Rejects with the errno of connect(2): ENOENT or ECONNREFUSED when nobody listens. */
  static async open(path: string): Promise<Ovsdb> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = createConnection(path, resolve);
    socket.once("error", reject);
    await promise;
    socket.off("error", reject);
    return new Ovsdb(socket, path);
  }

  /**
   * Runs the operations as one transaction on the database Open_vSwitch: all or none.
   * Throws with the server's own words when one is refused.
   */
  async transact(operations: readonly OvsdbOperation[], timeoutMs: number = 0): Promise<readonly OvsdbResult[]> {
    const answer = await this.#ask("transact", ["Open_vSwitch", ...operations], timeoutMs);
    if (!Array.isArray(answer)) throw this.#failed("invalid", `an answer that is no list: ${JSON.stringify(answer)}`);
    const results = answer as readonly (
      | (OvsdbResult & { readonly error?: string; readonly details?: string })
      | null
    )[];
    const refused = results.find((result) => result?.error !== undefined);
    if (refused?.error !== undefined)
      throw this.#failed(
        refused.error === "timed out" ? "timeout" : "refused",
        `${refused.error}: ${refused.details ?? ""}`,
      );
    return results.map((result) => result ?? {});
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  async #ask(method: string, params: readonly unknown[], moreMs: number): Promise<unknown> {
    if (this.#ended !== undefined) throw this.#failed("unreachable", this.#ended.message);
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting = waiting;
    this.#id += 1;
    this.#socket.write(JSON.stringify({ id: this.#id, method, params }));
    const timer = setTimeout(
      () => waiting.reject(this.#failed("timeout", "ovsdb-server does not answer")),
      ANSWER_MS + moreMs,
    );
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting = undefined;
    }
  }

  #hear({ id, method, params, result, error }: Message): void {
    // The server wants to know whether we are there (section 4.1.11).
    if (method === "echo") this.#socket.write(JSON.stringify({ id, result: params, error: null }));
    else if (method === undefined && id === this.#id) {
      if (error === null || error === undefined) this.#waiting?.resolve(result);
      else this.#waiting?.reject(this.#failed("refused", JSON.stringify(error)));
    }
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#waiting?.reject(this.#failed("unreachable", error.message));
  }

  #failed(code: string, why: string): NetloomError {
    return new NetloomError({ code, op: "ask ovsdb-server at", target: this.#path, why });
  }
}

/** Cuts a stream into JSON texts: nothing stands between two of them (RFC 7047 section 4). */
export class JsonTexts {
  #text = "";
  #at = 0;
  #depth = 0;
  #quoted = false;

  /** The texts that end in this chunk. */
  take(chunk: string): readonly string[] {
    this.#text += chunk;
    const found: string[] = [];
    for (; this.#at < this.#text.length; this.#at += 1) {
      const letter = this.#text[this.#at];
      if (this.#quoted) {
        if (letter === "\\") this.#at += 1;
        else if (letter === '"') this.#quoted = false;
      } else if (letter === '"') this.#quoted = true;
      else if (letter === "{" || letter === "[") this.#depth += 1;
      else if (letter === "}" || letter === "]") {
        this.#depth -= 1;
        if (this.#depth > 0) continue;
        found.push(this.#text.slice(0, this.#at + 1));
        this.#text = this.#text.slice(this.#at + 1);
        this.#at = -1;
      }
    }
    return found;
  }
}

/** The members of a set. One that has exactly one member is written as that. */
export function setOf(value: unknown): readonly unknown[] {
  if (isTagged(value, "set") && Array.isArray(value[1])) return value[1];
  return value === undefined ? [] : [value];
}

/** The pairs of a map of texts. */
export function mapOf(value: unknown): ReadonlyMap<string, string> {
  if (!isTagged(value, "map") || !Array.isArray(value[1])) return new Map();
  return new Map(
    (value[1] as readonly (readonly [unknown, unknown])[]).map(([key, text]) => [String(key), String(text)]),
  );
}

/** The text of a `["uuid", …]`. */
export function uuidOf(value: unknown): string {
  return isTagged(value, "uuid") ? String(value[1]) : "";
}

function isTagged(value: unknown, tag: string): value is readonly [string, unknown] {
  return Array.isArray(value) && value.length === 2 && value[0] === tag;
}
