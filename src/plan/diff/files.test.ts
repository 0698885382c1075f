import test from "ava";
import type { FileSpec } from "../../model/kernel.ts";
import { applySteps, emptyKernel } from "../../testing/memory-kernel.ts";
import { explain } from "../explain.ts";
import { diff } from "./index.ts";

const wanted: FileSpec = { kind: "file", path: "/etc/netns/public/resolv.conf", content: "nameserver 192.0.2.1\n" };
const LINE = "write /etc/netns/public/resolv.conf # 1 lines, a9d549519efe8d5a";

test("a file is written, mended when its content or mode changed, and removed when nobody wants it", (t) => {
  const { steps } = diff(emptyKernel(), [wanted]);
  t.deepEqual(steps.map(explain), [LINE]);
  const made = applySteps(emptyKernel(), steps);
  t.deepEqual(diff(made, [wanted]).steps, []);
  for (const damage of [{ hash: "0" }, { mode: 0o600 }]) {
    const damaged = { ...made, file: made.file.map((file) => ({ ...file, ...damage })) };
    t.deepEqual(diff(damaged, [wanted]).steps.map(explain), [LINE]);
  }
  t.deepEqual(diff(made, []).steps.map(explain), [`rm ${wanted.path}`]);
});

test("somebody else's file is refused by name and stays; on a machine of ours it is replaced", (t) => {
  const theirs = { path: wanted.path, hash: null, mode: 0o644, owned: false };
  const kernel = { ...emptyKernel(), file: [theirs] };
  t.deepEqual(diff(kernel, [wanted]), {
    steps: [],
    foreign: [`file ${wanted.path} exists and is not Netloom's (no mark of ours in its first line)`],
  });
  t.deepEqual(diff(kernel, []).steps, []);
  t.deepEqual(diff(kernel, [{ ...wanted, adopt: true }]).steps.map(explain), [LINE]);
});
