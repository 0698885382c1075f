import { runGroup } from "../lib/test-group.ts";

await runGroup("program");
