import test from "ava";
import { parseCargoTest, parseTap } from "./tap.ts";

test("TAP: passed, failed and skipped tests are counted, a failure keeps what it said", (t) => {
  const text = [
    "TAP version 13",
    "ok 1 - a › works",
    "not ok 2 - b › breaks",
    "#   what it logged",
    "  ---",
    "    message: Boom",
    "  ...",
    "ok 3 - c › later (no wireguard here) # SKIP",
    "",
    "1..3",
    "# tests 2",
    "# pass 1",
    "# fail 1",
  ].join("\n");
  t.deepEqual(parseTap(text), {
    passed: 1,
    failed: 1,
    skipped: 1,
    skips: ["c › later (no wireguard here)"],
    failures: ["b › breaks\n what it logged\n  ---\n    message: Boom\n  ..."],
  });
});

test("cargo test: the summaries of all test programs are added up", (t) => {
  const text =
    "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured\n\ntest result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured\n";
  t.like(parseCargoTest(text), { passed: 14, failed: 1, skipped: 1 });
});

test("cargo test: what a test could not show here counts as skipped, with the reason; what a failed one said is kept", (t) => {
  const text = [
    "successes:",
    "",
    "---- bonds stdout ----",
    "SKIPPED: no bond here",
    "",
    "---- chatty stdout ----",
    "all is well",
    "",
    "successes:",
    "    bonds",
    "    chatty",
    "",
    "failures:",
    "",
    "---- broken stdout ----",
    "Error: no",
    "",
    "failures:",
    "    broken",
    "",
    "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured",
  ].join("\n");
  t.deepEqual(parseCargoTest(text), {
    passed: 1,
    failed: 1,
    skipped: 1,
    skips: ["bonds: no bond here"],
    failures: ["broken\nError: no\n\n"],
  });
});
