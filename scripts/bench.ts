// `npm run bench [NAME...]`: measures the bars that we set ourselves. A table for people, then a line of JSON for each figure;
// exit code 1 when a bar is not kept. Every bench is a file in bench/.
import { benches } from "./bench/list.ts";
import { type Bench, type Figure, isKept, jsonLine, table } from "./bench/figure.ts";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { buildAddon, buildAgent, buildBinary, buildTestBinary } from "./lib/build.ts";
import { ensureImage } from "./lib/image.ts";
import { ensureBase } from "./lib/image-base.ts";
import { run } from "./lib/process.ts";
import { fail, step } from "./lib/progress.ts";
import { repository } from "./lib/repository.ts";
import { together } from "./lib/together.ts";
import { toolboxCommand } from "./lib/toolbox-enter.ts";
import { ensureToolbox } from "./lib/toolbox.ts";

const named = process.argv.slice(2);
const unknown = named.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) {
  fail(new Error(`no such bench: ${unknown.join(", ")}; there are ${benches.map(({ name }) => name).join(", ")}`));
}

try {
  await ensureToolbox();
  const chosen = benches.filter(({ name }) => named.length === 0 || named.includes(name));
  await together(buildBinary, buildTestBinary, buildAddon);
  const image = chosen.some(({ needsImage }) => needsImage) ? await imageDirectory() : "";
  const figures: Figure[] = [];
  const lines: string[] = [];
  let busiest = 0;
  for (const bench of chosen) {
    await step(`bench ${bench.name}`, async ({ note }) => {
      const measured = bench.inToolbox ? await inToolbox(bench, image, note) : await bench.measure();
      figures.push(...measured);
      const load = Number((loadavg()[0] ?? 0).toFixed(2));
      busiest = Math.max(busiest, load);
      lines.push(...measured.map((figure) => `${jsonLine(figure, load)}\n`));
      return { hit: false, verb: "took" };
    });
  }
  const busy = busiest > cpus().length * 1.5;
  const warning = busy
    ? `\nThe machine had other work (load ${busiest}): what takes time took longer than it would alone.\n`
    : "";
  process.stdout.write(`\n${table(figures)}\n${warning}\n${lines.join("")}`);
  process.exitCode = figures.every(isKept) ? 0 : 1;
} catch (error) {
  fail(error);
}

async function imageDirectory(): Promise<string> {
  await together(buildAgent, ensureBase);
  return (await ensureImage()).dir;
}

/** Measures one at a time: others beside it would be in its figures. */
async function inToolbox(
  { name, runtime }: Bench,
  image: string,
  note: (line: string) => void,
): Promise<readonly Figure[]> {
  const program = runtime === "bun" ? join(repository, "node_modules/@oven/bun-linux-x64-baseline/bin/bun") : "node";
  const env = image === "" ? {} : { NETLOOM_IMAGE: image };
  const argv = await toolboxCommand([program, "scripts/bench/in-toolbox.ts", name], { env });
  const said = await run(argv, { cwd: repository, onLine: note });
  // Whatever a program of the bench printed before is not the result.
  return JSON.parse(said.trimEnd().split("\n").at(-1) ?? "") as readonly Figure[];
}
