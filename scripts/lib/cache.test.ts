import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { cached } from "./cache.ts";

// One cache for this file: the variable is the process's.
const root = await mkdtemp(join(tmpdir(), "netloom-cache-"));
process.env["NETLOOM_CACHE"] = root;
test.after.always(() => rm(root, { recursive: true }));

test("an entry is made once, also when asked for at the same time", async (t) => {
  let made = 0;
  const make = async (dir: string): Promise<void> => {
    made += 1;
    await writeFile(join(dir, "file"), "x");
  };
  const entries = await Promise.all([
    cached("once", "aa", make),
    cached("once", "aa", make),
    cached("once", "aa", make),
  ]);
  t.is(made, 1);
  t.is(entries.filter(({ hit }) => !hit).length, 1);
  t.is(await readFile(join(root, "once/aa/file"), "utf8"), "x");
});

test("a failed attempt leaves nothing, and the next one succeeds", async (t) => {
  await t.throwsAsync(
    cached("fail", "aa", async (dir) => {
      await writeFile(join(dir, "half"), "");
      throw new Error("no space");
    }),
    { message: "no space" },
  );
  t.deepEqual(await readdir(join(root, "fail")), []);
  t.false((await cached("fail", "aa", async () => undefined)).hit);
});

test("a maker that is killed frees its lock and its rest is cleared away", async (t) => {
  const script = `
    import { cached } from ${JSON.stringify(new URL("cache.ts", import.meta.url).href)};
    import { writeFileSync } from "node:fs";
    await cached("killed", "aa", async (dir) => {
      writeFileSync(dir + "/half", "");
      console.log("inside");
      await new Promise(() => setInterval(() => undefined, 1000));
    });`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", script], {
    env: { ...process.env, NETLOOM_CACHE: root },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "close");
  t.is((await readdir(join(root, "killed"))).length, 1);
  t.false((await cached("killed", "aa", async () => undefined)).hit);
  t.deepEqual(await readdir(join(root, "killed")), ["aa"]);
});

test("old entries go, young and recently used ones stay", async (t) => {
  const make = async (): Promise<void> => undefined;
  for (const hash of ["a", "b", "c"]) await cached("prune", hash, make, 1);
  await mkdir(join(root, "prune"), { recursive: true });
  const past = new Date(Date.now() - 24 * 3600 * 1000);
  for (const hash of ["a", "b"]) await utimes(join(root, "prune", hash), past, past);
  await cached("prune", "b", make, 1);
  await cached("prune", "d", make, 1);
  t.deepEqual((await readdir(join(root, "prune"))).toSorted(), ["b", "c", "d"]);
});
