import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import test from "ava";

const root = join(import.meta.dirname, "..");

/** Who may import whom, beside itself (DESIGN.md section 4). Files directly under src/ are put together from all of it. */
const TABLE: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  model: ["lib"],
  sdk: ["lib", "model"],
  plan: ["lib", "model", "sdk"],
  host: ["lib", "model"],
  engine: ["lib", "model", "plan", "host"],
  api: ["lib", "model", "engine"],
  cli: ["lib", "model", "sdk", "plan"],
  ui: ["lib", "model"],
};

/** Modules that only effects may use. */
const EFFECTS: Readonly<Record<string, readonly string[]>> = {
  "node:child_process": ["host"],
  "addon.ts": ["host"],
};

/** The folders that are pure: no clock, randomness, environment, file system or network. */
const PURE = new Set(["plan", "sdk"]);
const IMPURE =
  /from "node:(?:fs|os|net|http|child_process)|Date\.now|Math\.random|process\.(?:env|pid|argv|cwd|hrtime|uptime)|performance\./u;

const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".ts"),
);
const code = sources.filter((file) => !file.endsWith(".test.ts") && !file.startsWith("testing/"));
const textOf = (file: string): string => readFileSync(join(root, "src", file), "utf8");
const layerOf = (file: string): string => (file.includes("/") ? (file.split("/")[0] ?? "") : "");

function importsOf(file: string): readonly string[] {
  return [...textOf(file).matchAll(/^(?:import|export)\b[^;]*?from "([^"]+)"|import\("([^"]+)"\)/gmu)].map(
    ([, a, b]) => a ?? b ?? "",
  );
}

test("logs are written by the program itself: a worker of pino's ends a compiled one (FINDINGS.md 2.3)", (t) => {
  const loggers = code.filter((file) => importsOf(file).includes("pino"));
  t.deepEqual(loggers, ["lib/log.ts"]);
  t.notRegex(textOf("lib/log.ts"), /transport[:(]/u);
});

test("imports go in the directions of the table only", (t) => {
  t.true(code.length > 40);
  const wrong = code.flatMap((file) => {
    const layer = layerOf(file);
    if (layer === "") return [];
    return importsOf(file)
      .filter((target) => target.startsWith("."))
      .map((target) => relative(join(root, "src"), join(root, "src", dirname(file), target)))
      .filter((target) =>
        target.startsWith("..")
          ? !target.startsWith("../native/")
          : layerOf(target) !== layer && !(TABLE[layer] ?? []).includes(layerOf(target)),
      )
      .map((target) => `${file} imports ${target}`);
  });
  t.deepEqual(wrong, []);
});

test("only host/ loads the addon and starts processes", (t) => {
  const wrong = code.flatMap((file) =>
    importsOf(file)
      .filter((target) =>
        Object.entries(EFFECTS).some(([name, layers]) => target.endsWith(name) && !layers.includes(layerOf(file))),
      )
      .map((target) => `${file} imports ${target}`),
  );
  t.deepEqual(wrong, []);
});

test("planners are pure: ids, keys and facts are their inputs", (t) => {
  // The client is the one part of the sdk that talks to someone.
  const wrong = code.filter((file) => PURE.has(layerOf(file)) && file !== "sdk/client.ts" && IMPURE.test(textOf(file)));
  t.deepEqual(wrong, []);
});

test("every folder of src/ is in the table", (t) => {
  const layers = new Set(code.map(layerOf).filter((layer) => layer !== ""));
  t.deepEqual([...layers].toSorted(), Object.keys(TABLE).toSorted());
});

test("source files are small: median at most 120 lines, none above 400", (t) => {
  const folders = ["src", "scripts", "vm-tests", "native"];
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => join(root, folder, file)),
  );
  const counts = files
    .filter((file) => /\.(?:ts|mjs|rs)$/u.test(file) && !file.endsWith(".d.ts"))
    .map((file) => [relative(root, file), readFileSync(file, "utf8").split("\n").length - 1] as const);
  t.deepEqual(
    counts.filter(([, lines]) => lines > 400),
    [],
  );
  const sorted = counts
    .filter(([file]) => !file.includes(".test."))
    .map(([, lines]) => lines)
    .toSorted((a, b) => a - b);
  t.true((sorted[Math.floor(sorted.length / 2)] ?? Infinity) <= 120);
});
