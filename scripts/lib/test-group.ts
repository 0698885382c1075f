import { registerHooks } from "node:module";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import ava, { type ImplementationFn } from "ava";
import { repository } from "./repository.ts";
import { type TestGroup, filesOfGroup } from "./test-processes.ts";

type Declare = (title: string, implementation: ImplementationFn<[]>) => void;

type Modifier = "serial" | "skip" | "failing" | "before" | "beforeEach" | "after" | "afterEach";

/** The file that is being imported, as the beginning of its titles. */
let prefix = "";
// AVA begins to run tests once the module that declared the first has been evaluated, and takes no more from then on.
const declared: (() => void)[] = [];

// One test after the other: what one computes would be taken from the time that another waits.
const collect: Declare = later(ava.serial);
const refused: Declare = () => {
  throw new Error("hooks would be for all files of the group: name this file in scripts/lib/test-processes.ts");
};

/** What a file of the group gets for AVA: each test is kept until all files are there, with the file in its title. */
const collector: Declare & Readonly<Record<Modifier, Declare>> = Object.assign(collect, {
  serial: collect,
  skip: later(ava.serial.skip),
  failing: later(ava.serial.failing),
  before: refused,
  beforeEach: refused,
  after: refused,
  afterEach: refused,
});

// oxlint-disable-next-line import/no-default-export -- AVA's own is one
export { collector as default };

function later(declare: Declare): Declare {
  return (title, implementation) => {
    const whole = `${prefix}${title}`;
    declared.push(() => declare(whole, implementation));
  };
}

/** AVA leaves out the first `test-` of a file's name too. */
function ownPath(file: string): string {
  const name = basename(file, ".test.ts").replace("test-", "");
  return [...dirname(file).split("/"), name].join(" › ");
}

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "ava" && context.parentURL !== import.meta.url
      ? { url: import.meta.url, shortCircuit: true }
      : next(specifier, context),
});

/**
 * Declares the tests of all files of a group with AVA, titled as AVA titles those of several files. A file that cannot be
 * imported, or that changes the environment of the others, is a failed test of that name.
 */
export async function runGroup(group: TestGroup): Promise<void> {
  for (const file of filesOfGroup(group)) {
    prefix = `${ownPath(file)} › `;
    const before = JSON.stringify([process.cwd(), process.env]);
    try {
      await import(pathToFileURL(join(repository, file)).href);
      if (JSON.stringify([process.cwd(), process.env]) !== before)
        throw new Error(`${file} changes the environment: name it in scripts/lib/test-processes.ts`);
    } catch (error) {
      collect("is loaded", () => {
        throw error;
      });
    }
  }
  for (const declare of declared) declare();
}
