import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { Secret } from "../lib/secret.ts";
import { testKey } from "../testing/builders.ts";
import { KeyFiles } from "./wireguard-keys.ts";

test("a key that this boot made is announced once and known as such, also to the next daemon; a reboot forgets that", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "netloom-keys-"));
  t.teardown(() => rm(root, { recursive: true }));
  const directory = join(root, "keys");
  const said: string[] = [];
  const daemon = (boot: string): KeyFiles =>
    new KeyFiles({ directory, newKeys: join(root, boot), onNew: (name, key) => void said.push(`${name} ${key}`) });
  const first = daemon("boot1");
  const { publicKey } = await first.ensure("demo");
  await first.ensure("demo");
  t.deepEqual(said, [`demo ${publicKey}`]);
  t.is(await first.since("demo"), "boot");
  const restarted = daemon("boot1");
  t.is((await restarted.ensure("demo")).publicKey, publicKey);
  t.is(await restarted.since("demo"), "boot");
  const rebooted = daemon("boot2");
  t.is((await rebooted.ensure("demo")).publicKey, publicKey);
  t.is(await rebooted.since("demo"), "disk");
  t.is(said.length, 1);
  // Whoever brings a key knows its public half.
  await rebooted.ensure("given", new Secret(testKey("given")));
  t.deepEqual([await rebooted.since("given"), said.length], ["disk", 1]);
  await restarted.remove("demo");
  t.deepEqual(await readdir(join(root, "boot1")), []);
});
