import { HOST } from "../model/kernel.ts";
import { Netlink } from "./addon.ts";
import { netnsPath } from "./exec.ts";

/**
 * Netlink sockets by namespace, opened once. An open socket keeps its namespace alive, so the sockets of one that is deleted
 * have to be closed first (FINDINGS.md 3.7), and those in namespaces that are not ours are closed as soon as they have served.
 */
export class Namespaces implements Disposable {
  /** Kept while they open, so that two who ask at once share them: a second socket that nobody closes would pin the namespace. */
  readonly #opened = new Map<string, Promise<Netlink>>();
  /** Ours, by name, with the inode where it is known: a name can be taken by another namespace meanwhile. */
  #kept = new Map<string, number | undefined>();

  /** The sockets inside a namespace; ENOENT when there is none of that name. */
  netlink(netns: string): Promise<Netlink> {
    return this.#opened.get(netns) ?? this.#open(netns, Netlink.open(netns === HOST ? undefined : netnsPath(netns)));
  }

  /** Opens the sockets in many namespaces by one call, where there are none yet. */
  async openAll(names: readonly string[]): Promise<void> {
    const missing = names.filter((name) => name !== HOST && !this.#opened.has(name));
    if (missing.length < 2) return;
    const opening = Netlink.openMany(missing.map(netnsPath));
    const each = missing.map((name, index) =>
      this.#open(
        name,
        opening.then((opened) => {
          const one = opened[index];
          if (one instanceof Netlink) return one;
          throw Object.assign(new Error(one?.message ?? `no answer for ${name}`), one);
        }),
      ),
    );
    // Whoever asks for one that could not be opened hears why.
    await Promise.allSettled(each);
  }

  close(netns: string): void {
    const opened = this.#opened.get(netns);
    this.#opened.delete(netns);
    // One that could not be opened was reported to whoever asked for it.
    opened?.then(
      (netlink) => netlink.close(),
      () => undefined,
    );
  }

  /** Says which namespaces are ours to keep alive, with their inodes, and closes the sockets of all others. */
  keepOnly(ours: ReadonlyMap<string, number>): void {
    for (const [name, inode] of ours) {
      const known = this.#kept.get(name);
      if (known !== undefined && known !== inode) this.close(name);
    }
    this.#kept = new Map(ours);
    this.release();
  }

  /** Makes a namespace that is ours to keep alive, with `group` as its mark, and opens its sockets on the way. */
  async create(netns: string, group: number): Promise<void> {
    this.close(netns);
    await this.#open(netns, Netlink.create(netns, group));
    this.#kept.set(netns, undefined);
  }

  /** True for the node's own namespace and those that are ours to keep alive. */
  keeps(netns: string): boolean {
    return netns === HOST || this.#kept.has(netns);
  }

  /** Closes the sockets of namespaces that are not ours: an open one would keep a container's alive after its end. */
  release(): void {
    for (const netns of this.#opened.keys()) if (!this.keeps(netns)) this.close(netns);
  }

  [Symbol.dispose](): void {
    for (const netns of this.#opened.keys()) this.close(netns);
  }

  #open(netns: string, opening: Promise<Netlink>): Promise<Netlink> {
    this.#opened.set(netns, opening);
    // The next who asks tries again.
    opening.catch(() => {
      if (this.#opened.get(netns) === opening) this.#opened.delete(netns);
    });
    return opening;
  }
}
