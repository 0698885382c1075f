import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Document } from "../../src/model/document.ts";
import { Client } from "../../src/sdk/client.ts";
import { yaml } from "../../src/testing/yaml.ts";
import { dist } from "../lib/build.ts";
import { resources } from "./documents.ts";
import type { Bench, Figure } from "./figure.ts";

const SIZES = [10, 100, 1000] as const;
/** As long as a daemon has time to rest between two looks, which no user would notice. */
const REST_MS = 10_000;

/** Resident memory of the binary that ships: idle, and at rest with network resources. */
export const memory: Bench = {
  name: "memory",
  inToolbox: true,
  measure: async () => {
    await using daemon = await Shipped.start();
    const figures: Figure[] = [{ name: "memory-idle", ...(await daemon.resident()), bar: 60 }];
    let made = 0;
    for (const size of SIZES) {
      for (; made < size; made += Math.min(100, size - made))
        await daemon.apply(resources(made, Math.min(100, size - made)));
      figures.push({ name: `memory-${size}`, ...(await daemon.resident()), ...(size === 1000 ? { bar: 150 } : {}) });
    }
    return figures;
  },
};

/** A daemon of the shipped binary on state in memory. */
class Shipped implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #client: Client;
  readonly #dir: string;

  private constructor(child: ChildProcess, dir: string) {
    this.#process = child;
    this.#client = new Client(join(dir, "socket"));
    this.#dir = dir;
  }

  static async start(): Promise<Shipped> {
    const dir = await mkdtemp("/run/netloom-bench-");
    await mkdir(join(dir, "services"));
    const places = ["root", "runtime", "services", "config", "socket"].flatMap((name) => [
      `--${name}`,
      join(dir, name),
    ]);
    const argv = ["daemon", ...places, "--cmdline", "quiet", "--log-level", "error"];
    const daemon = new Shipped(spawn(join(dist, "netloom"), argv, { stdio: "ignore" }), dir);
    while ((await daemon.#passes()) === 0) await delay(50);
    return daemon;
  }

  async apply(documents: readonly Document[]): Promise<void> {
    const { outcome, failures } = await this.#client.apply([{ name: "bench", text: yaml(...documents) }]);
    if (outcome !== "changed") throw new Error(`${outcome}: ${JSON.stringify(failures.slice(0, 3))}`);
  }

  /** Megabytes once it rests, and what it had at most so far. */
  async resident(): Promise<{
    readonly ours: number;
    readonly unit: string;
    readonly note: string;
    readonly profile: readonly string[];
  }> {
    for (let seen = -1; seen !== (await this.#passes());) {
      seen = await this.#passes();
      await delay(REST_MS);
    }
    const proc = `/proc/${this.#process.pid}`;
    const [status, rollup] = await Promise.all(
      ["status", "smaps_rollup"].map((file) => readFile(join(proc, file), "utf8")),
    );
    const megabytes = (text: string | undefined, key: string): number =>
      Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, "mu").exec(text ?? "")?.[1]) / 1024;
    const [all, anonymous, most] = [
      megabytes(rollup, "Rss"),
      megabytes(rollup, "Anonymous"),
      megabytes(status, "VmHWM"),
    ];
    const open = await readdir(join(proc, "fd"));
    return {
      ours: all,
      unit: "MB",
      note: `${Math.round(anonymous)} its own, ${Math.round(all - anonymous)} of files; ${Math.round(most)} at most; ${open.length} descriptors`,
      profile: [
        `${anonymous.toFixed(1)} MB anonymous: heap and allocators`,
        `${(all - anonymous).toFixed(1)} MB of the binary, addon and libc`,
      ],
    };
  }

  async #passes(): Promise<number> {
    const status = await this.#client.status().catch(() => undefined);
    return status?.reconciles.total ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await rm(this.#dir, { recursive: true });
  }
}
