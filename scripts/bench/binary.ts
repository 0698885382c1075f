import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { dist } from "../lib/build.ts";
import { type Bench, medianMs } from "./figure.ts";

const start = promisify(execFile);

/** How long the shipped binary takes to start, beside the same program on Node. */
export const binary: Bench = {
  name: "binary",
  inToolbox: true,
  measure: async () => {
    const shipped = await medianMs(20, () => start(`${dist}/netloom`, ["--version"]));
    const onNode = await medianMs(20, () => start(process.execPath, ["src/main.ts", "--version"]));
    const note = `${(onNode / shipped).toFixed(1)} times as fast as node src/main.ts`;
    return [
      { name: "netloom --version", ours: shipped, unit: "ms", bar: 60, note },
      { name: "node src/main.ts --version", ours: onNode, unit: "ms" },
    ];
  },
};
