/** A step that fails: the rest is done all the same, the failure is told with its reason, and it is tried again until it works. */
import test from "ava";
import { CREATE, FaultRig, REMOVE } from "../testing/fault-rig.ts";
import { yaml } from "../testing/yaml.ts";

/** Each round starts a daemon; there are dozens, and machines are slow under load. */
const PATIENCE_MS = 900_000;
/** What the kernel says when something is in use, when there is no room, and when a name is taken. */
const CODES = ["EBUSY", "ENOSPC", "EEXIST"] as const;

test("any step that fails once is told, holds up nothing else, and is made up for", async (t) => {
  t.timeout(PATIENCE_MS);
  const rig = await FaultRig.start(t);
  const [apply] = CREATE;
  if (apply?.op !== "apply") throw new TypeError("the reference set starts with documents");
  const text = yaml(...apply.documents);
  const removals = REMOVE.filter(({ op }) => op === "delete");
  const count = (await rig.node.client.apply([{ name: "text", text }])).steps.length;
  const wanted = await rig.lookAtRest();
  t.true(count > 20);
  for (let step = 1; step <= count; step += 1) {
    await rig.askAll(removals);
    const code = CODES[step % CODES.length];
    await rig.restart(`fail:${step}:${code}`);
    const report = await rig.node.client.apply([{ name: "text", text }]);
    t.is(report.outcome, "failed", `step ${step}`);
    const failure = report.failures.find(({ message }) => message.includes("fault injection"));
    t.truthy(failure, `step ${step}: ${JSON.stringify(report.failures)}`);
    // What stands on it fails too; of two documents that do not know of each other, one is whole.
    const links = await rig.node.links();
    t.true(links.includes("rblue") || links.includes("l-office"), `step ${step}, ${failure?.step}`);
    t.is(await rig.lookFor(wanted), wanted, `after ${failure?.step} was tried again`);
    const { code: done, out } = await rig.node.apply(text);
    t.deepEqual({ done, out }, { done: 0, out: "no changes\n" }, `step ${step}`);
  }
});
