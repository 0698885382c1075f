import { existsSync } from "node:fs";
import { mkdtemp, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readCapture } from "../harness/pcapng-read.ts";
import { scenario } from "../harness/scenario.ts";
import { type LabOutcome, outcomeOf, runLab } from "./lab-command.ts";
import { processesOf } from "./processes.ts";

const topology = `networks: [lan]
nodes:
  a: { role: debian, nics: [lan], addresses: [auto] }
  b: { role: debian, nics: [lan], addresses: [auto] }
`;
/** A node answers commands before its services have run. */
const awaitB = ["--", "sh", "-c", `until ping -c 1 -W 1 192.168.50.11; do usleep 100000; done`];

scenario(
  "labs are started, entered, changed and ended by hand, two of one topology side by side",
  { group: "smoke" },
  async ({ t, step, options }) => {
    const labs = await mkdtemp("/tmp/labs-");
    const file = join(options.artifacts, "pair.yaml");
    await writeFile(file, topology);
    const lab = async (...words: readonly string[]): Promise<LabOutcome> => runLab(labs, words);

    await step("two labs of one file start at the same time", async () => {
      const both = await Promise.all(["one", "two"].map((name) => lab("up", file, "--name", name)));
      for (const { code, err } of both) t.is(code, 0, err);
      t.regex((await lab("ls")).out, /^one +up .*\ntwo +up .*\n$/u);
      for (const [path, mode] of Object.entries({ "": 0o700, one: 0o700, "one/control": 0o600 }))
        t.is((await stat(join(labs, path))).mode & 0o777, mode, path);
      t.regex((await lab("up", file, "--name", "one")).err, /a lab named "one" is there already, of .*pair\.yaml/u);
      t.like(await lab("exec", "a", "--", "true"), { code: 2 });
      t.regex((await lab("exec", "a", "--", "true")).err, /several labs: say which one by --lab NAME \(one, two\)/u);
    });
    await step("a program has its streams and its status, others run beside it", async () => {
      const script = "read x; echo out $x; echo err >&2; exit 7";
      const waits = runLab(labs, ["exec", "--lab", "one", "a", "--", "sh", "-c", script], "in\n");
      t.is((await lab("exec", "--lab", "one", "a", "--", "hostname")).out, "a\n");
      t.deepEqual(await waits, { code: 7, out: "out in\n", err: "err\n" });
      t.is((await runLab(labs, ["shell", "--lab", "one", "b"], "hostname; exit 3\n")).out, "b\n");
      const typed = [process.execPath, "scripts/lab.ts", "shell", "--lab", "one", "b"].join(" ");
      const terminal = await outcomeOf(["script", "-qec", typed, "/dev/null"], { NETLOOM_LABS: labs }, "tty; exit 4\n");
      t.regex(`${terminal.out}${terminal.code}`, /\/dev\/pts\/\d[^]*4$/u);
      t.like(await lab("exec", "--lab", "one", "aa", "--", "true"), {
        code: 125,
        err: 'netloom: the lab has no node "aa", did you mean a? (it has a, b)\n',
      });
    });
    await step("a link that is changed in one lab is not in the other", async () => {
      for (const name of ["one", "two"]) t.is((await lab("exec", "--lab", name, "a", ...awaitB)).code, 0);
      t.is((await lab("link", "--lab", "one", "b.eth0", "blackhole")).out, "b.eth0: blackhole\n");
      t.is((await lab("exec", "--lab", "one", "a", "--", "ping", "-c1", "-W2", "192.168.50.11")).code, 1);
      t.is((await lab("exec", "--lab", "two", "a", ...awaitB)).code, 0);
      t.regex((await lab("link", "--lab", "one", "b.eth0", "los=5%")).err, /did you mean loss\?/u);
    });
    await step("captures are of one lab each", async () => {
      const copy = join(options.artifacts, "two.pcapng");
      t.regex((await lab("capture", "--lab", "two", "a.eth0", "--out", copy)).out, /^ +\d+ +ICMP$/mu);
      t.true((await readCapture(copy)).length > 2);
      t.regex((await lab("graph", "two", "--mermaid")).out, /b ---\|"eth0"\| net-lan/u);
    });
    await step("a lab that cannot start says why", async () => {
      await writeFile(file, topology.replace("role", "initrd: pair.yaml, role"));
      t.regex((await lab("up", file)).err, /^netloom: a: .*Kernel panic - not syncing: VFS/mu);
    });
    await step("of a killed lab, one that failed and one that was ended nothing is left", async () => {
      const { process: owner } = JSON.parse(await readFile(join(labs, "one/lab.json"), "utf8")) as {
        process: { pid: number };
      };
      process.kill(owner.pid, "SIGKILL");
      while ((await processesOf(join(labs, "one"))).length > 0) await delay(20);
      t.regex((await lab("ls")).out, /^two +up .*\n$/u);
      t.is((await lab("down")).code, 0);
      t.deepEqual(await processesOf(labs), []);
      t.false(existsSync(labs));
    });
  },
);
