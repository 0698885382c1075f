import { buildAddon, buildAgent, buildBinary, buildTestBinary } from "./build.ts";
import { ensureImage } from "./image.ts";
import { ensureBase } from "./image-base.ts";
import { buildKernelTests } from "./kernel-tests.ts";
import { together } from "./together.ts";
import { ensureToolbox } from "./toolbox.ts";

/**
 * Makes what a lab boots from where it is missing, and gives the directory of the image. One that `NETLOOM_IMAGE` names is taken
 * as it is, with the agent in dist/: then nothing is built.
 */
export async function ensureLabImage(): Promise<string> {
  const named = process.env["NETLOOM_IMAGE"];
  if (named !== undefined && named !== "") return named;
  await ensureToolbox();
  await together(buildBinary, buildTestBinary, buildAddon, buildAgent, ensureBase);
  await buildKernelTests();
  return (await ensureImage()).dir;
}
