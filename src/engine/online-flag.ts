import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../lib/atomic-file.ts";
import { uptime } from "../lib/uptime.ts";
import { ONLINE_FLAG } from "../model/online.ts";

/**
 * A file that is there while the node is online, with the second after the kernel's start at which it came online. It is what a
 * service can wait for in a shell, where a client of the daemon would cost each of them 60 MB. A daemon that ends leaves it:
 * networks outlive their daemon.
 */
export class OnlineFlag {
  readonly #path: string;
  /** As it is on the disk; unknown when this daemon has not set it yet. */
  #set: boolean | undefined;

  constructor(runtimeDir: string) {
    this.#path = join(runtimeDir, ONLINE_FLAG);
  }

  /** Makes the file, or removes it; nothing is written when that is how it is. */
  async set(online: boolean): Promise<void> {
    if (this.#set === online) return;
    if (online) await writeFileAtomic(this.#path, `${uptime().toFixed(2)}\n`);
    else await rm(this.#path, { force: true });
    this.#set = online;
  }
}
