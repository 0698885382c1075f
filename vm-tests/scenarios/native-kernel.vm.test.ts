import { mkdir, readdir, writeFile } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { kernelTests } from "../../scripts/lib/kernel-tests.ts";
import { parseCargoTest } from "../../scripts/lib/tap.ts";
import { scenario } from "../harness/scenario.ts";

/** In the guest. */
const PROGRAMS = "/usr/lib/kernel-tests";
const RECORDED = "/run/recorded";

/** A race that takes a minute when emulated; which kernel loses it does not matter. */
const SLOW = "a_dump_is_whole_or_refused_while_the_table_changes";

scenario(
  "the native library passes every test on a kernel that has every kind of link, and skips none",
  {
    group: "smoke",
    topology: () => ({
      networks: [],
      nodes: {
        n1: {
          nics: [],
          files: Object.fromEntries(
            readdirSync(kernelTests).map((name) => [
              join(PROGRAMS, name),
              { from: join(kernelTests, name), mode: 0o755 },
            ]),
          ),
        },
      },
    }),
  },
  async ({ t, node, step, options }) => {
    const guest = node("n1");
    const programs = (await readdir(kernelTests)).filter((name) => name !== "record");
    t.true(programs.length > 3);
    for (const name of programs) {
      await step(name, async () => {
        // One after the other, as on a small machine; with their output, since what they skip is said there.
        const argv = [join(PROGRAMS, name), "--test-threads=1", "--show-output", "--skip", SLOW];
        const { code, stdout, stderr } = await guest.exec(argv, { timeoutMs: 120_000 });
        const { passed, failed, skips } = parseCargoTest(stdout);
        t.is(code, 0, `${stdout}\n${stderr}`);
        t.is(failed, 0);
        t.deepEqual(skips, []);
        t.true(passed > 0);
        return `${passed} passed`;
      });
    }
    await step("record", async () => {
      await guest.run(["mkdir", "-p", RECORDED]);
      await guest.run([join(PROGRAMS, "record"), RECORDED]);
      const names = (await guest.run(["ls", RECORDED])).trim().split("\n");
      // For whoever wants them as native/net/testdata; its tests say what must be in them.
      const kept = join(options.artifacts, "recorded");
      await mkdir(kept, { recursive: true });
      for (const name of names) await writeFile(join(kept, name), await guest.readFile(join(RECORDED, name)));
      t.is(names.length, 12);
      return `${names.length} tables`;
    });
  },
);
