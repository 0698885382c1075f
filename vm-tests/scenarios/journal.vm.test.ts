import { scenario } from "../harness/scenario.ts";

const topology = { networks: [], nodes: { n1: { nics: [] } } };
// The image keeps four files beside the current one: of three that are begun none is removed, however slow the reader.
const words = ["one", "two", "three"];

scenario(
  "the journal of a guest is whole over rotations of its files, and who follows it is told of a restart",
  { group: "full", topology },
  async ({ t, node, step }) => {
    const n1 = node("n1");
    const texts = async (lines?: number): Promise<readonly string[]> => {
      const entries = await Array.fromAsync(
        n1.journal({ service: "probe", ...(lines === undefined ? {} : { lines }) }),
      );
      return entries.map(({ text }) => text);
    };
    const expected = words.map((word) => `probe: ${word}`);
    await step("who follows gets each line once, also of a file that is given another name meanwhile", async () => {
      // SIGALRM makes s6-log begin another file (s6-log(8)).
      const script =
        "for word in $0; do echo probe: $word >/run/log/fifo; sleep 0.1; s6-svc -a /run/service/console-log; done";
      const seen: string[] = [];
      let talking: Promise<unknown> | undefined;
      await n1.run(["sh", "-c", "echo probe: zero >/run/log/fifo"]);
      await n1.until("the first line", async () => (await texts())[0]);
      for await (const { text } of n1.journal({ service: "probe", follow: true })) {
        talking ??= n1.run(["sh", "-c", script, words.join(" ")]);
        seen.push(text);
        if (text === expected.at(-1)) break;
      }
      await talking;
      t.deepEqual(seen, ["probe: zero", ...expected]);
    });
    await step("all of it, and the last of it", async () => {
      const rotated = await n1.run(["sh", "-c", "ls /run/log/all"]);
      t.regex(rotated, /^@[0-9a-f]+\.[su]$/mu);
      t.deepEqual(await texts(), ["probe: zero", ...expected]);
      t.deepEqual(await texts(2), expected.slice(-2));
      t.deepEqual(await texts(0), []);
    });
    await step("a restart ends what follows", async () => {
      const following = Array.fromAsync(n1.journal({ follow: true, lines: 0 }));
      const told = t.throwsAsync(following, { message: /in the guest failed: the guest was restarted/u });
      await n1.reboot();
      await told;
      t.deepEqual(await texts(), []);
    });
  },
);
