import { request } from "node:http";
import { NetloomError, errorCode } from "../lib/errors.ts";
import type { Document, Kind } from "../model/document.ts";
import type { GuardReport } from "../model/guard.ts";
import type { ChangeReport, Status } from "../model/report.ts";

interface NamedText {
  /** How messages call it, usually the file's name. */
  readonly name: string;
  readonly text: string;
}

interface ChangeOptions {
  /** Keep the change whatever becomes of the node's connectivity. */
  readonly confirm?: boolean;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** A client of the daemon's unix socket. Failures of the daemon's come as `NetloomError` with its code and message. */
export class Client {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** The steps that `apply` would take, and every issue of the texts. */
  async plan(files: readonly NamedText[]): Promise<ChangeReport> {
    return (await this.#call("POST", "/v1/plan", { files })) as ChangeReport;
  }

  /**
   * Applies the documents of YAML texts, all or none of them. When that could cut the node off, the answer comes once it is
   * known whether its gateway still answers; with `confirm` it is kept unchecked.
   */
  async apply(files: readonly NamedText[], { confirm = false }: ChangeOptions = {}): Promise<ChangeReport> {
    return (await this.#call("POST", "/v1/apply", confirm ? { files, confirm } : { files })) as ChangeReport;
  }

  /** Removes a document and what it made; guarded as `apply` is. */
  async delete(kind: Kind, name: string, { confirm = false }: ChangeOptions = {}): Promise<ChangeReport> {
    const path = `/v1/documents/${encodeURIComponent(kind)}/${encodeURIComponent(name)}`;
    return (await this.#call("DELETE", `${path}${confirm ? "?confirm=true" : ""}`)) as ChangeReport;
  }

  /** Keeps the change that waits for its connectivity check. @returns null when none does */
  async confirm(): Promise<GuardReport | null> {
    return ((await this.#call("POST", "/v1/confirm")) as { guard: GuardReport | null }).guard;
  }

  /** All documents, and the same as YAML that `apply` accepts. */
  async documents(): Promise<{ readonly documents: readonly Document[]; readonly yaml: string }> {
    return (await this.#call("GET", "/v1/documents")) as { documents: readonly Document[]; yaml: string };
  }

  /** Waits until the node is online, for some seconds at most; `why` says what is missing when it is not. */
  async waitOnline(seconds: number): Promise<{ readonly online: boolean; readonly why: string }> {
    return (await this.#call("GET", `/v1/online?seconds=${seconds}`)) as { online: boolean; why: string };
  }

  async status(): Promise<Status> {
    return (await this.#call("GET", "/v1/status")) as Status;
  }

  /** The public half of the node's WireGuard key for a resource; made when there is none. */
  async publicKey(resource: string): Promise<string> {
    return ((await this.#call("POST", `/v1/keys/${encodeURIComponent(resource)}`)) as { publicKey: string }).publicKey;
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const { status, body: text } = await this.#send(method, path, body === undefined ? "" : JSON.stringify(body));
    const value: unknown = JSON.parse(text);
    if (status === 200) return value;
    const { code, message } = (value as { error: { code: string; message: string } }).error;
    throw Object.assign(new Error(message), { code });
  }

  #send(method: string, path: string, body: string): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const call = request(
      {
        socketPath: this.#socketPath,
        // A connection for each request: one that is kept open may be closed by the daemon just when it is used again, and whether the
        // request was taken is not known then.
        agent: false,
        method,
        path,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 500, body: Buffer.concat(chunks).toString("utf8") }),
        );
        // A daemon that is killed while it answers is no other case than one that is killed before.
        response.on("error", (error) => reject(this.#unreachable(error)));
      },
    );
    call.on("error", (error) => reject(this.#unreachable(error)));
    call.end(body);
    return promise;
  }

  #unreachable(error: Error): NetloomError {
    const code = errorCode(error);
    const why =
      code === "ENOENT"
        ? "the socket does not exist"
        : code === "ECONNREFUSED"
          ? "nobody listens on it"
          : code === "EACCES"
            ? "permission is denied"
            : error.message;
    const hint =
      code === "EACCES"
        ? "run as root or as a member of the socket's group"
        : "start it with `netloom daemon`, or name its socket with --socket or NETLOOM_SOCKET";
    return new NetloomError({
      code: "unreachable",
      op: "reach the daemon at",
      target: this.#socketPath,
      why,
      hint,
      cause: error,
    });
  }
}
