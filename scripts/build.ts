// `npm run build`: everything that ships, and the guest agent of the lab, into dist/ and the cache; independent parts
// side by side. `npm run build binary addon` makes only these; `test` is the binary of tests, which is made when they run.
import { buildAddon, buildAgent, buildBinary, buildTestBinary } from "./lib/build.ts";
import { buildZinit } from "./lib/zinit.ts";
import { fail } from "./lib/progress.ts";
import { together } from "./lib/together.ts";
import { ensureToolbox } from "./lib/toolbox.ts";

const parts: Readonly<Record<string, () => Promise<unknown>>> = {
  binary: buildBinary,
  addon: buildAddon,
  agent: buildAgent,
  test: buildTestBinary,
  zinit: buildZinit,
};

const chosen = process.argv.length > 2 ? process.argv.slice(2) : ["binary", "addon", "agent"];
const unknown = chosen.filter((name) => !(name in parts));
if (unknown.length > 0)
  fail(new Error(`no such part: ${unknown.join(", ")}; there are ${Object.keys(parts).join(", ")}`));

try {
  await ensureToolbox();
  await together(...chosen.map((name) => async () => parts[name]?.()));
} catch (error) {
  fail(error);
}
