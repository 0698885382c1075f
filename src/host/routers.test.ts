/** What routers advertise and the kernel does not keep; `routers.netns.test.ts` has real ones. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import type { RouterOption } from "./digest-types.ts";
import { Routers } from "./routers.ts";

const server = (n: number): string => `2001:db8::${n.toString(16)}`;
const told = (values: readonly string[], part: Partial<RouterOption> = {}): RouterOption => ({
  index: 2,
  type: "dns",
  values: [...values],
  lifetime: 600,
  ...part,
});

/** The values that are kept for a link, in the order in which they are asked. */
async function kept(path: string, index = 2): Promise<readonly string[]> {
  const all = JSON.parse(await readFile(path, "utf8")) as readonly { index: number; values: readonly string[] }[];
  return all.filter((one) => one.index === index).flatMap(({ values }) => values);
}

test("a router that advertises other servers each time fills neither memory nor disk, and what lasts longest stays", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "netloom-test-"));
  t.teardown(() => rm(dir, { recursive: true }));
  const path = join(dir, "routers.json");
  const routers = await Routers.open(path);
  await routers.note("", [told([server(1)], { lifetime: 0xff_ff_ff_ff }), told([server(2)], { index: 3 })], 10);
  for (let n = 16; n < 200; n += 3) await routers.note("", [told([server(n), server(n + 1), server(n + 1)])], n);
  const values = await kept(path);
  t.true(values.length <= 16, `${values.length} servers are kept`);
  t.is(new Set(values).size, values.length);
  t.is(values[0], server(1));
  t.true(values.includes(server(199)));
  t.deepEqual(await kept(path, 3), [server(2)]);
});

test("one advertisement that names more servers than any network has is cut short", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "netloom-test-"));
  t.teardown(() => rm(dir, { recursive: true }));
  const path = join(dir, "routers.json");
  const routers = await Routers.open(path);
  const many = Array.from({ length: 100 }, (_unused, n) => server(n + 1));
  await routers.note("", [told(many)], 10);
  t.deepEqual(await kept(path), many.slice(0, 16));
});

test("what a pass was told is on the disk by then, and what was advertised last is what stays there", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "netloom-test-"));
  t.teardown(() => rm(dir, { recursive: true }));
  const path = join(dir, "routers.json");
  const routers = await Routers.open(path);
  // A namespace that is not there: nobody is asked.
  const sight = { index: 2, epoch: 1, managed: true, other: true, addresses: [] };
  await routers.fact("none", "eth0", sight, 0);
  // Events do not wait for each other.
  const notes = [1, 2, 3, 4].map((n) => routers.note("none", [told([server(n)], { lifetime: 600 - n })], n));
  const fact = await routers.fact("none", "eth0", sight, 5);
  t.is(fact.dns.length, 4);
  t.deepEqual(await (await Routers.open(path)).fact("none", "eth0", sight, 5), fact);
  await Promise.all(notes);
  t.deepEqual(await kept(path), [1, 2, 3, 4].map(server));
});
