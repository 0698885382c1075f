// `npm run bench [NAME...]`: measures the bars that we set ourselves. A table for people, then a line of JSON for each figure;
// exit code 1 when a bar is not kept. Every bench is a file in bench/.
import { benches } from "./bench/list.ts";
import { type Bench, type Figure, isKept, jsonLine, table } from "./bench/figure.ts";
import { buildAddon, buildAgent, buildBinary } from "./lib/build.ts";
import { ensureImage } from "./lib/image.ts";
import { ensureBase } from "./lib/image-base.ts";
import { run } from "./lib/process.ts";
import { fail, step } from "./lib/progress.ts";
import { repository } from "./lib/repository.ts";
import { toolboxCommand } from "./lib/toolbox-enter.ts";
import { ensureToolbox } from "./lib/toolbox.ts";

const named = process.argv.slice(2);
const unknown = named.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) {
  fail(new Error(`no such bench: ${unknown.join(", ")}; there are ${benches.map(({ name }) => name).join(", ")}`));
}

try {
  await ensureToolbox();
  const ends = await Promise.allSettled([buildBinary(), buildAddon(), buildAgent(), ensureBase()]);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  const image = await ensureImage();
  const figures: Figure[] = [];
  for (const bench of benches.filter(({ name }) => named.length === 0 || named.includes(name))) {
    await step(`bench ${bench.name}`, async ({ note }) => {
      const measured = bench.inToolbox ? await inToolbox(bench, image.dir, note) : await bench.measure();
      figures.push(...measured);
      return { hit: false, verb: "took" };
    });
  }
  process.stdout.write(`\n${table(figures)}\n\n${figures.map((figure) => `${jsonLine(figure)}\n`).join("")}`);
  process.exitCode = figures.every(isKept) ? 0 : 1;
} catch (error) {
  fail(error);
}

/** Measures one at a time: others beside it would be in its figures. */
async function inToolbox({ name }: Bench, image: string, note: (line: string) => void): Promise<readonly Figure[]> {
  const argv = await toolboxCommand(["node", "scripts/bench/in-toolbox.ts", name], { env: { NETLOOM_IMAGE: image } });
  return JSON.parse(await run(argv, { cwd: repository, onLine: note })) as readonly Figure[];
}
