import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { scenario } from "../harness/scenario.ts";
import { MEMBERS, TOPOLOGY } from "./main-job-topology.ts";
import { proveMainJob } from "./main-job.ts";

const options = { topology: TOPOLOGY, boot: [], timeoutMs: 600_000 } as const;

scenario("Three nodes that reach each other", { group: "smoke", ...options }, async (context) => {
  await proveMainJob(context);
  const { t, lab } = context;
  const picture = await readFile(join(lab.artifacts, "topology.svg"), "utf8");
  for (const name of ["gateway", ...MEMBERS]) t.true(picture.includes(`>${name}<`), name);
  t.is([...picture.matchAll(/class="tunnel up"/gu)].length, 3);
  t.is([...picture.matchAll(/192\.168\.50\.\d+</gu)].length, 4);
});
