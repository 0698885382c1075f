import { chmodSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import test from "ava";
import { claimName, controlSocket, findLab, ourselves, removeTraces, runningLabs, writeRecord } from "./places.ts";

// AVA gives each file a process of its own, so this is for the tests below alone.
const base = mkdtempSync("/tmp/labs-test-");
process.env["NETLOOM_LABS"] = base;

const record = (name: string): Parameters<typeof writeRecord>[1] => {
  return { name, file: `/labs/${name}.yaml`, artifacts: "/nowhere", started: "2026-01-01T00:00:00Z" };
};

test.serial("labs that answer are found by name, alone without one, and a mistyped name is understood", async (t) => {
  await t.throwsAsync(findLab(undefined), { message: /^there is no lab: start one: npm run lab -- up FILE$/u });
  const sockets = ["first", "second"].map(async (name) => {
    const directory = await claimName(name);
    const server = createServer().listen(controlSocket(directory));
    await once(server, "listening");
    await writeRecord(directory, record(name));
    return { directory, server };
  });
  const [one, two] = await Promise.all(sockets);
  t.deepEqual(
    (await runningLabs()).map((lab) => [lab.record.name, lab.answers]),
    [
      ["first", true],
      ["second", true],
    ],
  );
  t.is((await findLab("second")).record.file, "/labs/second.yaml");
  await t.throwsAsync(findLab(undefined), { message: /several labs: say which one by --lab NAME \(first, second\)/u });
  await t.throwsAsync(findLab("secnd"), { message: /no lab "secnd", did you mean second\? \(first, second\)/u });
  await t.throwsAsync(claimName("first"), { message: /"first" is there already, of \/labs\/first\.yaml.*down first/u });
  two?.server.close();
  await removeTraces(two?.directory ?? "");
  t.is((await findLab(undefined)).record.name, "first");
  one?.server.close();
});

test.serial("what a killed lab left is removed, and its name is free again", async (t) => {
  const directory = await claimName("killed");
  // A process id that was this one's, of a process that runs since another time.
  await writeRecord(directory, { ...record("killed"), process: { pid: process.pid, since: "1" } });
  t.deepEqual(await runningLabs(), []);
  t.false(existsSync(directory));
  await removeTraces(await claimName("killed"));
});

test.serial("a lab that is starting is there before it answers", async (t) => {
  const directory = await claimName("slow");
  // Between its directory and its record.
  t.deepEqual(await runningLabs(), []);
  t.true(existsSync(directory));
  await writeRecord(directory, { ...record("slow"), process: await ourselves() });
  t.like(await runningLabs(), [{ answers: false }]);
  await removeTraces(directory);
});

test.serial("the place for a lab that a run may keep is left alone while the run goes on", async (t) => {
  const directory = await claimName("kept");
  await writeRecord(directory, { ...record("kept"), run: await ourselves() });
  t.deepEqual(await runningLabs(), []);
  t.true(existsSync(directory));
  await writeRecord(directory, { ...record("kept"), run: { pid: process.pid, since: "1" } });
  t.deepEqual(await runningLabs(), []);
  t.false(existsSync(directory));
  await removeTraces(directory);
});

test.serial("with the last lab the place for all goes, and one that others may enter is refused", async (t) => {
  t.false(existsSync(base));
  mkdirSync(base);
  chmodSync(base, 0o755);
  await t.throwsAsync(claimName("mine"), { message: /nobody else may enter \(0700\); remove it, or name another/u });
  chmodSync(base, 0o700);
  writeFileSync(join(base, "file"), "");
  await removeTraces(join(base, "file"));
  await t.throwsAsync(claimName("x".repeat(100)), { message: /longer than the path of a socket may be, 107 bytes/u });
  t.false(existsSync(base));
});
