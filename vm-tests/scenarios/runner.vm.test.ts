import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { scenario } from "../harness/scenario.ts";
import { ChildRun } from "./child-run.ts";

const fails = "vm-tests/scenarios/fixtures/fails.vm.test.ts";
const unlucky = "vm-tests/scenarios/fixtures/unlucky.vm.test.ts";

scenario("a failed scenario tells all that is needed, and so does a console", { group: "smoke" }, async (context) => {
  const { t, step } = context;
  const { artifacts } = context.options;
  await using run = new ChildRun(["test", fails, "--seed", "5"], { artifacts });
  await step("the command fails, counts, and says how to run it again", async () => {
    t.is(await run.code(), 1);
    t.regex(run.said, /\n0 passed, 2 failed, 0 skipped\n$/u);
    t.true(run.said.includes(`run it again: npm run lab -- test ${fails} --seed 5`));
    t.regex(run.said, /FAILED a node has an <address> \(seed 5\)\n[\s\S]*failed step: it has an address/u);
    t.regex(run.said, /Regular expression:\n[^\n]*192\\\.0\\\.2\\\.1/u);
    t.regex(run.said, /last console lines of n1:\n {2}\| /u);
    t.regex(run.said, /captures in .*: n1\.eth0\.pcapng/u);
    t.regex(run.said, /n1: kernel bug on the console: .*BUG: made up for a test/u);
  });
  const names = (await readdir(artifacts)).filter((name) => name.startsWith("fails."));
  t.is(names.length, 2, names.join(" "));
  const [console = "", address = ""] = names.toSorted();
  await step("the state of the node is in a file", async () => {
    const whole = await readFile(join(artifacts, address, "failure.txt"), "utf8");
    t.regex(whole, /==== n1\n-- ip -br addr\n.*\n?eth0 +(?:UP|UNKNOWN)/u);
    t.regex(whole, /-- netloom status[^\n]*\n\S/u);
    const silent = await readFile(join(artifacts, console, "failure.txt"), "utf8");
    t.regex(silent, /-- ip -br addr\ncould not be gathered: n1: "ip -br addr" did not end within/u);
    t.regex(silent, /nothing else was asked: the agent does not answer\n[\s\S]*BUG: made up for a test/u);
    t.regex(whole, /-- tail -n 60 \/run\/log\/all\/current[^\n]*\n\S/u);
  });
  await step("the reports have what passed before it failed", async () => {
    const report = JSON.parse(await readFile(join(artifacts, address, "report.json"), "utf8")) as Record<
      string,
      unknown
    >;
    t.like(report, {
      outcome: "failed",
      seed: 5,
      events: { 0: { of: "n1", what: "boot" }, 1: { of: "n1", what: "up" } },
      steps: { 0: { name: "its link comes up", ok: true, detail: "eth0 is up" } },
    });
    t.like(JSON.parse(await readFile(join(artifacts, console, "report.json"), "utf8")), { outcome: "failed" });
    const junit = await readFile(join(artifacts, "junit.xml"), "utf8");
    t.regex(junit, /tests="2" failures="2"/u);
    t.regex(junit, /name="a node has an &lt;address&gt;"[\s\S]*<failure message="[^"]+">/u);
    t.regex(await readFile(join(artifacts, "report.tap"), "utf8"), /^not ok 1 - a node has an <address>$/mu);
    const page = await readFile(join(artifacts, "index.html"), "utf8");
    t.regex(page, /<h2>a node has an &lt;address&gt;: <span class="failed">/u);
    t.regex(page, /<div class="picture scroll"><svg[\s\S]*n1\.eth0 on lan/u);
    for (const [, link = ""] of page.matchAll(/href="\.\/([^"]+)"/gu)) t.true(existsSync(join(artifacts, link)), link);
  });
});

scenario(
  "a repeated scenario has another seed each time, and stops when it fails",
  { group: "smoke" },
  async (context) => {
    const { t, step } = context;
    const { artifacts } = context.options;
    await step("the run with the unlucky seed is the last, and keeps its artifacts", async () => {
      await using run = new ChildRun(["test", unlucky, "--seed", "5", "--until-fail", "--repeat", "9"], { artifacts });
      t.is(await run.code(), 1);
      t.regex(run.said, /1 of 9, seed 5\n[\s\S]*2 of 9, seed 6\n/u);
      t.regex(run.said, /--seed 6\n\n1 passed, 1 failed, 0 skipped\n$/u);
      t.deepEqual(await readdir(join(artifacts, "seed-5/unlucky")), ["report.json"]);
      t.true(existsSync(join(artifacts, "seed-6/unlucky/failure.txt")));
      t.false(existsSync(join(artifacts, "seed-7")));
    });
    await step("a run without an unlucky seed goes on to its end", async () => {
      const words = ["--seed", "7", "--repeat", "2", "--report", join(artifacts, "reports")];
      await using run = new ChildRun(["test", unlucky, ...words], { artifacts });
      t.is(await run.code(), 0);
      t.regex(
        await readFile(join(artifacts, "reports/index.html"), "utf8"),
        /href="\.\/\.\.\/seed-8\/unlucky\/report\.json"/u,
      );
      t.regex(run.said, /\n2 passed, 0 failed, 0 skipped\n$/u);
    });
  },
);

scenario("a kept lab can be entered, and an interruption leaves nothing of it", { group: "smoke" }, async (context) => {
  const { t, step } = context;
  const { artifacts } = context.options;
  const labs = await mkdtemp("/tmp/netloom-kept-");
  try {
    const places = { artifacts, labs };
    await using run = new ChildRun(["test", fails, "--keep"], places);
    await step("it says how to enter it, and that works", async () => {
      await run.says(/the lab is kept: npm run lab -- shell --lab kept n1/u);
      t.regex(run.said, /a probe guest boots in [\d.]+ processor seconds; load [\d.]+, timeouts x [\d.]+\n/u);
      await using entered = new ChildRun(["exec", "--lab", "kept", "n1", "--", "hostname"], places);
      t.is(await entered.code(), 0, entered.said);
      t.is(entered.said, "n1\n");
    });
    await step("an interruption ends it with its report, and no machine, socket or directory is left", async () => {
      t.true((await machinesOf(artifacts)).length > 0);
      run.interrupt();
      t.is(await run.code(), 1);
      t.regex(run.said, /FAILED a node has an <address>[\s\S]*0 passed, 2 failed, 0 skipped\n$/u);
      while ((await machinesOf(artifacts)).length > 0) await delay(20);
      t.false(existsSync(labs));
    });
    await step("`down` ends it too, and the run goes on", async () => {
      await using again = new ChildRun(["test", fails, "--keep"], places);
      await again.says(/the lab is kept/u);
      await using down = new ChildRun(["down", "kept"], places);
      t.is(await down.code(), 0, down.said);
      t.is(await again.code(), 1);
      t.regex(again.said, /this lab is not kept, since one was before it[\s\S]*0 passed, 2 failed, 0 skipped\n$/u);
    });
  } finally {
    await rm(labs, { recursive: true, force: true });
  }
});

/** Process ids of the machines whose captures are in a directory. */
async function machinesOf(directory: string): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/u.test(name));
  const open = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
      return line.includes("qemu-system") && environment.includes(`NETLOOM_ARTIFACTS=${directory}\0`) ? [pid] : [];
    }),
  );
  return open.flat();
}
