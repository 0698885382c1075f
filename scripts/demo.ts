// `npm start`: builds what is missing, boots a gateway and three nodes, and proves that the nodes reach each other.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { buildAddon, buildAgent, buildBinary, dist } from "./lib/build.ts";
import { ensureImage } from "./lib/image.ts";
import { ensureBase } from "./lib/image-base.ts";
import { fail, say, shown } from "./lib/progress.ts";
import { together } from "./lib/together.ts";
import { ensureToolbox } from "./lib/toolbox.ts";
import { runInToolbox } from "./lib/toolbox-enter.ts";

try {
  const started = performance.now();
  await ensureToolbox();
  // The base of the image and the three compilations need nothing of each other.
  await together(buildBinary, buildAddon, buildAgent, ensureBase);
  const image = await ensureImage();
  const artifacts = join(dist, "labs/main-job");
  await rm(artifacts, { recursive: true, force: true });
  await mkdir(artifacts, { recursive: true });
  const code = await runInToolbox(
    ["node", "node_modules/ava/entrypoints/cli.js", "vm-tests/scenarios/main-job.vm.test.ts"],
    {
      env: { NETLOOM_IMAGE: image.dir, NETLOOM_PROGRESS: "1" },
    },
  );
  say("artifacts", `${shown(artifacts)}: consoles, captures, report.json, topology.svg`);
  say("total", `${Math.round((performance.now() - started) / 1000)} s`);
  process.exitCode = code;
} catch (error) {
  fail(error);
}
