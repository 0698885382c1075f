/** What events cost, counted by the messages that the daemon sends to the kernel and by its passes. */
import test, { type ExecutionContext } from "ava";
import { lan, node, resource } from "../testing/builders.ts";
import { EngineChild } from "../testing/engine-child.ts";
import type { EngineAnswer } from "../testing/engine-command.ts";
import { Sandbox } from "../testing/sandbox.ts";
import { yaml } from "../testing/yaml.ts";
import { LATEST_MS } from "./schedule.ts";

const none = node({ uplink: { mode: "none", ignore: [] } });

async function sandboxOf(t: ExecutionContext): Promise<Sandbox> {
  const sandbox = await Sandbox.open();
  t.teardown(() => sandbox[Symbol.asyncDispose]());
  return sandbox;
}

/** What the daemon has done when it does no more. */
async function settled(sandbox: Sandbox, engine: EngineChild): Promise<EngineAnswer> {
  let [before, still] = [await engine.ask({ op: "look" }), 0];
  return await sandbox.until("quiet", async () => {
    const now = await engine.ask({ op: "look" });
    still = now.passes === before.passes && now.reads === before.reads ? still + 1 : 0;
    before = now;
    // Longer than a burst may be waited for.
    return still > LATEST_MS / 25 ? now : undefined;
  });
}

test("an event in one namespace is answered by a look at that one", async (t) => {
  const resources = Array.from({ length: 12 }, (_unused, index) =>
    resource(`r${index}`, { subnet: `10.${index}.1.0/24`, range: `10.${index}.0.0/16` }),
  );
  const sandbox = await sandboxOf(t);
  await using engine = await EngineChild.start(sandbox, yaml(none, ...resources));
  /** What it costs to mend something in one namespace, in questions to the kernel. */
  const mend = async (netns: string): Promise<number> => {
    const { reads } = await settled(sandbox, engine);
    await sandbox.ip(`-n ${netns} link set private down`);
    await sandbox.until("the repair", async () =>
      /private[^\n]*[<,]UP[,>]/u.test(await sandbox.ip(`-n ${netns} -o link show private`)) ? true : undefined,
    );
    return (await settled(sandbox, engine)).reads - reads;
  };
  // Young links have events of their own for some seconds (duplicate addresses are looked for), so it is tried a few times, each time elsewhere.
  const costs = [await mend("nr4"), await mend("nr5"), await mend("nr6")];
  await engine[Symbol.asyncDispose]();
  // Whoever starts anew looks at everything once.
  await using anew = await EngineChild.start(sandbox, yaml(none, ...resources));
  const { reads: full, changes } = await anew.ask({ op: "look" });
  t.is(changes, 0);
  t.true(
    Math.min(...costs) * 2 < full,
    `${costs.join(", ")} reads after an event in one namespace of ${resources.length}, ${full} for all of them`,
  );
});

test("a burst of ten thousand events costs one pass", async (t) => {
  const sandbox = await sandboxOf(t);
  await using engine = await EngineChild.start(sandbox, yaml(none, lan("lab", { cidr: "10.5.0.0/24" })));
  const calm = await settled(sandbox, engine);
  // The kernel tells of each rule of a transaction, all at once.
  const rules = Array.from({ length: 10_000 }, (_unused, n) => `add rule ip burst most tcp dport ${n + 1} accept\n`);
  const { code, err } = await sandbox.run(["nft", "-f", "-"], {
    input: `add table ip burst\nadd chain ip burst most\n${rules.join("")}`,
  });
  t.is(code, 0, err);
  const after = await settled(sandbox, engine);
  t.is(after.passes - calm.passes, 1);
  t.is(after.report?.outcome, "unchanged");
});
