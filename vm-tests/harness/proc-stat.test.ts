import { readFileSync } from "node:fs";
import test from "ava";
import { statFields } from "./proc-stat.ts";

test("a name with blanks and brackets moves no field", (t) => {
  t.deepEqual(statFields("7 (a) Z (b) S 1 2").slice(0, 3), ["S", "1", "2"]);
  t.is(statFields(readFileSync("/proc/self/stat", "utf8"))[1], String(process.ppid));
});
