import type { ExecutionContext } from "ava";
import type { LabNode } from "../harness/node.ts";
import { scenario } from "../harness/scenario.ts";

const topology = { networks: ["lan"], nodes: { n1: { nics: ["lan"] } } };

scenario(
  "programs run, files move and logs are read in a guest without a NIC, without lo and without its daemon",
  { group: "smoke", topology },
  async ({ t, lab, node, step }) => {
    const n1 = node("n1");
    await step("the daemon is ended for good and the NIC is taken from its driver", async () => {
      await n1.waitForConsole(/daemon started/u);
      await n1.run(["s6-svc", "-wD", "-d", "/run/service/netloom"]);
      t.is((await n1.exec(["pidof", "netloom"])).code, 1);
      await n1.run([
        "sh",
        "-c",
        "echo $(basename $(readlink /sys/class/net/eth0/device)) >/sys/bus/virtio/drivers/virtio_net/unbind",
      ]);
      await n1.run(["ip", "link", "set", "lo", "down"]);
      await lab.setLink("n1.eth0", { carrier: "down" });
      t.regex(await n1.run(["ip", "-br", "link"]), /^lo +DOWN .*\n$/u);
    });
    await step("a program has its status, its signal and both outputs", async () => {
      t.like(await n1.exec(["sh", "-c", "echo out; echo no >&2; exit 7"]), {
        code: 7,
        stdout: "out\n",
        stderr: "no\n",
      });
      t.like(await n1.exec(["sh", "-c", "kill -9 $$"]), { code: null, signal: 9 });
      t.is(await n1.run(["sh", "-c", "pwd; echo $WORD"], { cwd: "/run", env: { WORD: "given" } }), "/run\ngiven\n");
      const slow = await t.throwsAsync(n1.exec(["sleep", "60"], { timeoutMs: 200 }));
      t.regex(
        slow.message,
        /n1: "sleep 60" did not end within .*0\.2 s[\s\S]*last console lines of n1[\s\S]*n1\.console\.log/u,
      );
    });
    await step("input and output stream while a program runs", async () => {
      const answers: string[] = [];
      const answered = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const program = n1.start(["sh", "-c", "while read word; do echo got $word; done; echo bye >&2"], {
        onStdout: (chunk) => answered[answers.push(chunk.toString()) - 1]?.resolve(),
      });
      for (const [index, word] of ["one", "two"].entries()) {
        // The second word is not said before the first was answered.
        await program.write(`${word}\n`);
        await answered[index]?.promise;
      }
      program.end();
      t.like(await program.result, { code: 0, stdout: "", stderr: "bye\n" });
      t.deepEqual(answers, ["got one\n", "got two\n"]);
    });
    await step("a shell has a terminal that knows its size", () => proveTerminal(t, n1));
    await step("an agent that is killed ends what it ran and comes back", async () => {
      const { bootId } = await n1.ready();
      const running = n1.exec(["sh", "-c", "kill -9 $PPID; sleep 60"]);
      await t.throwsAsync(running, { message: /in the guest failed: the agent was restarted/u });
      t.is((await n1.ready()).bootId, bootId);
      t.is(await n1.run(["echo", "back"]), "back\n");
    });
    await step("files of any content go in and come back", () => proveFiles(t, n1));
    await step("the journal tells what the daemon said, and follows what is said from now on", async () => {
      const old = await Array.fromAsync(n1.journal({ service: "netloom" }));
      const told = old.some(({ text }) => /daemon started/u.test(text));
      t.true(told, JSON.stringify(old));
      const say = (word: string): Promise<string> => n1.run(["sh", "-c", `echo probe: ${word} >/run/log/fifo`]);
      await say("zero");
      await n1.until(
        "the line",
        async () => (await Array.fromAsync(n1.journal({ service: "probe" }))).length > 0 || undefined,
      );
      const next = ["one", "two"];
      const followed: string[] = [];
      for await (const { text } of n1.journal({ service: "probe", follow: true, lines: 1 })) {
        followed.push(text);
        // What is said before the journal is followed would not be new.
        const word = next.shift();
        if (word === undefined) break;
        await say(word);
      }
      t.deepEqual(followed, ["probe: zero", "probe: one", "probe: two"]);
    });
  },
);

async function proveTerminal(t: ExecutionContext, n1: LabNode): Promise<void> {
  let screen = "";
  const shell = n1.start(["sh"], {
    pty: { rows: 24, columns: 80 },
    onStdout: (chunk) => (screen += chunk.toString()),
  });
  const said = (text: string): Promise<true> =>
    n1.until(`"${text}" on the terminal`, async () => screen.includes(text) || undefined);
  await shell.write("tty; stty size\n");
  await said("24 80\r\n");
  shell.resize({ rows: 50, columns: 132 });
  await shell.write("stty size; exit 3\n");
  t.is((await shell.result).code, 3);
  t.regex(screen, /\/dev\/pts\/\d+\r\n[\s\S]*50 132\r\n/u);
}

async function proveFiles(t: ExecutionContext, n1: LabNode): Promise<void> {
  const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, index) => (index * 7919) & 0xff));
  await n1.writeFile("/run/blob", bytes, 0o600);
  t.true(bytes.equals(await n1.readFile("/run/blob")));
  t.is(await n1.run(["stat", "-c", "%a", "/run/blob"]), "600\n");
  await t.throwsAsync(n1.readFile("/run/absent"), { message: /No such file/u });
}
