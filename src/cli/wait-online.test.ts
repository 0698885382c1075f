import test from "ava";
import { runClientCommand } from "./run.ts";

async function waitOnline(...words: string[]): Promise<{ readonly code: number; readonly err: string }> {
  let err = "";
  const output = { out: () => undefined, err: (text: string) => void (err += text) };
  const code = await runClientCommand(["wait-online", ...words], { NETLOOM_SOCKET: "/nobody/is/here" }, output);
  return { code, err };
}

test("a timeout that is no number of seconds, or a word too many, is refused", async (t) => {
  for (const words of [["--timeout", "soon"], ["--timeout=-1"], ["--timeout="], ["zos"], ["--json"]])
    t.is((await waitOnline(...words)).code, 2, words.join(" "));
});

test("without a daemon it waits for one until its time is over, and says so", async (t) => {
  const { code, err } = await waitOnline("--timeout", "0.1");
  t.is(code, 1);
  t.regex(
    err,
    /^netloom: cannot wait until the node is online: it was not within 0\.1 s: cannot reach the daemon at \/nobody\/is\/here: /u,
  );
});
