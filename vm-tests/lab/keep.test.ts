import { mkdtemp, rm } from "node:fs/promises";
import test from "ava";
import type { Lab } from "../harness/lab.ts";
import { ControlClient } from "./control-client.ts";
import { keepLab } from "./keep.ts";
import { controlSocket } from "./places.ts";

test("of the labs of a run one is kept, also when the next comes before what the first left is removed", async (t) => {
  const directory = await mkdtemp("/tmp/keep-");
  t.teardown(() => rm(directory, { recursive: true }));
  // Only what is asked of a lab.
  const lab = { nodes: [{ name: "n1", running: true }] } as unknown as Lab;
  const said: string[] = [];
  const { promise: open, resolve } = Promise.withResolvers<void>();
  const kept = keepLab(lab, directory, (line) => {
    said.push(line);
    resolve();
  });
  await open;
  {
    using client = await ControlClient.connect(controlSocket(directory));
    await client.ask({ op: "stop" });
  }
  await kept;
  await keepLab(lab, directory, (line) => said.push(line));
  t.regex(said[0] ?? "", /^the lab is kept: npm run lab -- shell --lab keep-\S+ n1$/u);
  t.regex(said.at(-1) ?? "", /^this lab is not kept, since one was before it: EEXIST/u);
});
