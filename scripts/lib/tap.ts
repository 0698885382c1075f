/** What a run of tests came to. */
export type TestCounts = {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Titles of skipped tests, which say why. */
  readonly skips: readonly string[];
  /** Each failed test with what it said. */
  readonly failures: readonly string[];
};

export const noTests: TestCounts = { passed: 0, failed: 0, skipped: 0, skips: [], failures: [] };

/** Counts of several runs together. */
export function addCounts(a: TestCounts, b: TestCounts): TestCounts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    skips: [...a.skips, ...b.skips],
    failures: [...a.failures, ...b.failures],
  };
}

/** Failures and skips, and as the last line how many there are of each: for the end of a terminal's output. */
export function countsText({ passed, failed, skipped, failures, skips }: TestCounts): string {
  const failing = failures.map((failure) => `\nFAILED ${failure.trimEnd()}\n`).join("");
  const skipping = skips.length === 0 ? "" : `\nskipped:\n${skips.map((title) => `  ${title}\n`).join("")}`;
  return `${failing}${skipping}\n${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}

/** Reads the Test Anything Protocol as AVA prints it: one result a line, what it says indented below. */
export function parseTap(text: string): TestCounts {
  let counts = noTests;
  let failure: string[] | undefined;
  const closeFailure = (): void => {
    if (failure !== undefined) counts = addCounts(counts, { ...noTests, failed: 1, failures: [failure.join("\n")] });
    failure = undefined;
  };
  for (const line of text.split("\n")) {
    const result = /^(not )?ok \d+ - (.*)$/u.exec(line);
    if (result === null) {
      // "1..5" and "# tests 5" at the end belong to no test; "#   text" is what the test before it said.
      if (/^(?:1\.\.|# \S)/u.test(line)) closeFailure();
      else failure?.push(line.replace(/^# {2}/u, ""));
      continue;
    }
    closeFailure();
    const title = result[2] ?? "";
    if (/# (?:SKIP|TODO)/u.test(title))
      counts = addCounts(counts, { ...noTests, skipped: 1, skips: [title.replace(/ # (?:SKIP|TODO).*/u, "")] });
    else if (result[1] === undefined) counts = addCounts(counts, { ...noTests, passed: 1 });
    else failure = [title];
  }
  closeFailure();
  return counts;
}

/**
 * Reads the output of `cargo test -- --show-output`: the summary lines, one per test program. A test that passed, but prints a line
 * that begins with SKIPPED, could not show something on this machine, and counts as skipped.
 */
export function parseCargoTest(text: string): TestCounts {
  let counts = noTests;
  for (const [, passed, failed, ignored] of text.matchAll(
    /^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored/gmu,
  )) {
    counts = addCounts(counts, {
      ...noTests,
      passed: Number(passed),
      failed: Number(failed),
      skipped: Number(ignored),
    });
  }
  const outputs = testOutputs(text);
  const skips = outputs.successes.flatMap(({ name, output }) => {
    const reason = /^SKIPPED:? *(.*)$/mu.exec(output)?.[1];
    return reason === undefined ? [] : [`${name}: ${reason}`];
  });
  return {
    ...counts,
    passed: counts.passed - skips.length,
    skipped: counts.skipped + skips.length,
    skips,
    failures: outputs.failures.map(({ name, output }) => `${name}\n${output}`),
  };
}

type TestOutput = { readonly name: string; readonly output: string };

/** What tests printed, by the heading that stands above. */
function testOutputs(text: string): Readonly<Record<"successes" | "failures", readonly TestOutput[]>> {
  const outputs: Record<"successes" | "failures", TestOutput[]> = { successes: [], failures: [] };
  let heading: keyof typeof outputs = "failures";
  const parts =
    /^(successes|failures):$|^---- (.*) stdout ----\n([\s\S]*?)(?=^----|^successes:|^failures:|^note: run)/gmu;
  for (const [, next, name = "", output = ""] of text.matchAll(parts)) {
    if (next === "successes" || next === "failures") heading = next;
    else outputs[heading].push({ name, output });
  }
  return outputs;
}
