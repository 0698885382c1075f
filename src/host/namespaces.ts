import { stat } from "node:fs/promises";
import { HOST } from "../model/kernel.ts";
import { Netlink } from "./addon.ts";
import { netnsPath } from "./exec.ts";

interface Opened {
  /** Kept while it opens, so that two who ask at once share it: a second socket that nobody closes would pin the namespace. */
  readonly netlink: Promise<Netlink>;
  /** Inode of the namespace: a name can be taken by another namespace meanwhile. */
  readonly inode: number;
}

/**
 * Netlink sockets by namespace, opened once. An open socket keeps its namespace alive,
 * so the sockets of one that is deleted have to be closed first (FINDINGS.md 3.7).
 */
export class Namespaces implements Disposable {
  readonly #opened = new Map<string, Opened>();
  #kept = new Set<string>();

  /** The sockets inside a namespace; ENOENT when there is none of that name. */
  async netlink(netns: string): Promise<Netlink> {
    const inode = netns === HOST ? 0 : (await stat(netnsPath(netns))).ino;
    const known = this.#opened.get(netns);
    if (known?.inode === inode) return known.netlink;
    this.close(netns);
    const netlink = Netlink.open(netns === HOST ? undefined : netnsPath(netns));
    const opened = { netlink, inode };
    this.#opened.set(netns, opened);
    try {
      return await netlink;
    } catch (error) {
      // The next who asks tries again.
      if (this.#opened.get(netns) === opened) this.#opened.delete(netns);
      throw error;
    }
  }

  close(netns: string): void {
    const opened = this.#opened.get(netns);
    this.#opened.delete(netns);
    // One that could not be opened was reported to whoever asked for it.
    opened?.netlink.then(
      (netlink) => netlink.close(),
      () => undefined,
    );
  }

  /** Says which namespaces are ours to keep alive, and closes the sockets of all others. */
  keepOnly(names: ReadonlySet<string>): void {
    this.#kept = new Set(names);
    this.release();
  }

  /** Says that a namespace is ours to keep alive. */
  keep(netns: string): void {
    this.#kept.add(netns);
  }

  /** Closes the sockets of namespaces that are not ours: an open one would keep a container's alive after its end. */
  release(): void {
    for (const netns of this.#opened.keys()) if (netns !== HOST && !this.#kept.has(netns)) this.close(netns);
  }

  [Symbol.dispose](): void {
    for (const netns of this.#opened.keys()) this.close(netns);
  }
}
