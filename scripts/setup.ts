// `npm run setup`: makes the toolbox, so that what needs it can start at once.
import { fail } from "./lib/progress.ts";
import { ensureToolbox } from "./lib/toolbox.ts";

await ensureToolbox().catch(fail);
