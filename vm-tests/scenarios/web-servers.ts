import type { NetloomGuest } from "./netloom-guest.ts";

const ROOT = "/tmp/web";
const LIFETIME_MS = 600_000;

/** Web servers inside guests' namespaces; disposing of it ends them and removes what they served. */
export class WebServers implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>[] = [];
  readonly #guests = new Set<NetloomGuest>();

  /** Serves one file as `/file` on address:port inside a namespace of the guest, and waits until it answers. */
  async serve(guest: NetloomGuest, netns: string, listen: string, file: Uint8Array): Promise<void> {
    this.#guests.add(guest);
    await guest.node.run(["mkdir", "-p", ROOT]);
    await guest.node.writeFile(`${ROOT}/file`, file);
    const argv = ["ip", "netns", "exec", netns, "busybox", "httpd", "-f", "-p", listen, "-h", ROOT];
    const ended = guest.node
      .exec(argv, { signal: this.#stop.signal, timeoutMs: LIFETIME_MS })
      .catch((error: unknown) => error);
    this.#running.push(ended);
    await guest.node.until(`a web server on ${listen}`, () =>
      guest.inside(netns, ["busybox", "wget", "-q", "-O", "/dev/null", `http://${listen}/file`]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
    await Promise.all([...this.#guests].map((guest) => guest.node.run(["rm", "-rf", ROOT])));
  }
}
