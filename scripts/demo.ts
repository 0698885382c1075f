// `npm start`: builds what is missing, boots a gateway and three nodes, and proves that the nodes reach each other. It is a
// scenario like the others, run like the others, shown as a table.
import { join } from "node:path";
import { reportText } from "../vm-tests/harness/report-text.ts";
import { planOf, runPlan } from "../vm-tests/lab/test.ts";
import { ensureLabImage } from "./lib/lab-image.ts";
import { fail, say, shown } from "./lib/progress.ts";

try {
  const started = performance.now();
  const plan = await planOf(["vm-tests/scenarios/main-job.vm.test.ts"]);
  const image = await ensureLabImage();
  const run = await runPlan(plan, image, "npm start", {
    onResult: () => {},
    onProgress: (line) => void process.stdout.write(`${line}\n`),
  });
  for (const { report } of run.scenarios) process.stdout.write(`\n${reportText(report)}\n`);
  for (const problem of run.problems) process.stdout.write(`\n${problem}\n`);
  const [main] = run.scenarios;
  if (main !== undefined) {
    say("artifacts", `${shown(main.directory)}: consoles, captures, report.json, topology.svg`);
    say("page", shown(join(plan.directory, "index.html")));
  }
  say("total", `${Math.round((performance.now() - started) / 1000)} s`);
  process.exitCode = run.problems.length === 0 && main?.report.outcome === "passed" ? 0 : 1;
} catch (error) {
  fail(error);
}
