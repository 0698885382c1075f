import test from "ava";
import { userNamespaceProblem } from "./user-namespaces.ts";

test("a user who may have namespaces has no problem, and one who may not is told what was said", (t) => {
  t.is(userNamespaceProblem("/bin/true"), undefined);
  t.regex(userNamespaceProblem("/bin/false") ?? "", /ended with status 1/);
  t.regex(userNamespaceProblem("/no/such/bwrap") ?? "", /ENOENT/);
});
