import { readFileSync } from "node:fs";
import test from "ava";
import { parse } from "yaml";
import { listScenarios } from "../harness/scenario-list.ts";
import { planOf } from "./test.ts";

type Workflow = {
  readonly jobs: {
    readonly full: {
      readonly strategy: { readonly matrix: { readonly shard: readonly number[] } };
      readonly steps: readonly { readonly name: string; readonly run?: string; readonly uses?: string }[];
    };
  };
};

const text = readFileSync(new URL("../../.github/workflows/labs.yml", import.meta.url), "utf8");
const { full } = (parse(text) as Workflow).jobs;

test("the machines of the workflow run every scenario once, all together", async (t) => {
  const { run = "" } = full.steps.find(({ name }) => name === "Scenarios") ?? {};
  const words = /^npm run --silent lab -- test (.*)$/mu.exec(run)?.[1] ?? "";
  const parts = await Promise.all(
    full.strategy.matrix.shard.map(async (shard) =>
      planOf(words.replace("${{ matrix.shard }}", String(shard)).split(" ")),
    ),
  );
  const names = parts.flatMap(({ scenarios }) => scenarios.map(({ name }) => name));
  t.deepEqual(names.toSorted(), (await listScenarios()).map(({ name }) => name).toSorted());
});

test("the workflow uses no action of a third party", (t) => {
  t.true(full.steps.every(({ uses }) => uses === undefined));
});
