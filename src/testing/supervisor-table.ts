import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { cgroupOf } from "../host/supervisor/cgroup.ts";
import { processHash } from "../model/definition-hash.ts";
import type { SupervisorKind } from "../model/supervisor.ts";
import { SupervisorRig } from "./supervisor-rig.ts";

/** A script that runs until it is ended. */
export const STAY = "while :; do sleep 60; done";

/** Something that a service is promised, whoever keeps it. */
interface Row {
  readonly what: string;
  readonly run: (t: ExecutionContext, rig: SupervisorRig) => Promise<void>;
}

const TABLE: readonly Row[] = [
  {
    what: "a service is registered, runs with its words and files, and goes without a trace",
    run: async (t, rig) => {
      const file = join(rig.dir, "settings");
      const spec = rig.service("dhcp-eth0.5", `echo "$WORD" "$(cat ${file})" >${rig.dir}/said; ${STAY}`, {
        env: { WORD: "it's here" },
        files: [{ path: file, content: "settings\n" }],
        writes: [join(rig.dir, "said")],
      });
      const { list } = await rig.do({ set: spec });
      t.deepEqual(list, [{ name: "dhcp-eth0.5", hash: processHash(spec) }]);
      const pid = await rig.alone("dhcp-eth0.5");
      await rig.until("its words", async () => ((await text(rig, "said")) === "" ? undefined : true));
      t.is(await text(rig, "said"), "it's here settings\n");
      // It leads a group of its own, so that a signal to it reaches nobody else.
      t.is((await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]?.split(" ")[2], String(pid));
      t.deepEqual(await rig.do({ remove: spec.name }).then(({ list: left, states }) => [left, states]), [[], []]);
      t.deepEqual(await rig.pids(spec.name), []);
      for (const path of [
        file,
        join(rig.dir, "said"),
        join(rig.services, spec.name),
        cgroupOf(rig.services, spec.name),
      ])
        t.false(existsSync(path), path);
      t.deepEqual(await rig.ask({ remove: spec.name }).then(({ failed }) => failed), undefined);
    },
  },
  {
    what: "what ends is started again, and a new definition takes the place of the old one",
    run: async (t, rig) => {
      await rig.do({ set: rig.service("one", STAY) });
      await rig.do({ set: rig.service("two", STAY) });
      const [first, other] = [await rig.alone("one"), await rig.alone("two")];
      process.kill(first, "SIGKILL");
      const second = await rig.alone("one", first);
      const changed = rig.service("one", `: changed; ${STAY}`);
      const { list } = await rig.do({ set: changed });
      t.true(list.some(({ name, hash }) => name === "one" && hash === processHash(changed)));
      const third = await rig.alone("one", second);
      t.regex(await readFile(`/proc/${third}/cmdline`, "utf8"), /: changed/u);
      t.is(await rig.alone("two"), other);
    },
  },
  {
    what: "one that is deaf to TERM is ended by force, with what left its session",
    run: async (t, rig) => {
      const deaf =
        "trap '' TERM; setsid sh -c 'trap \"\" TERM; while :; do sleep 60; done' \"$0\" & while :; do sleep 60; done";
      await rig.do({ set: rig.service("deaf", deaf) });
      await rig.until("both", async () => ((await rig.pids("deaf")).length === 2 ? true : undefined));
      const before = await rig.pids("deaf");
      await rig.do({ set: rig.service("deaf", `: again; ${deaf}`) });
      const after = await rig.until("both anew", async () => {
        const now = await rig.pids("deaf");
        return now.length === 2 && now.every((pid) => !before.includes(pid)) ? now : undefined;
      });
      t.is(after.length, 2);
      await rig.do({ remove: "deaf" });
      t.deepEqual(await rig.pids("deaf"), []);
    },
  },
  {
    what: "one that ends at once is tried again and again, disturbs nobody, can be mended, and stays away once removed",
    run: async (t, rig) => {
      await rig.do({ set: rig.service("well", STAY) });
      const well = await rig.alone("well");
      for (const name of ["broken", "clock"])
        await rig.do({ set: rig.service(name, `echo started >>${rig.dir}/${name}; exit 1`) });
      await rig.until("three tries", async () => ((await lines(rig, "broken")) >= 3 ? true : undefined));
      t.is(await rig.alone("well"), well);
      await rig.do({ set: rig.service("broken", STAY) });
      await rig.alone("broken");
      await rig.do({ set: rig.service("broken", `echo started >>${rig.dir}/broken; exit 1`) });
      await rig.do({ remove: "broken" });
      const [tries, ticks] = [await lines(rig, "broken"), await lines(rig, "clock")];
      await rig.until("a while", async () => ((await lines(rig, "clock")) >= ticks + 2 ? true : undefined));
      t.is(await lines(rig, "broken"), tries);
      t.is(await rig.alone("well"), well);
    },
  },
  {
    what: "a daemon that was killed finds its services as they were, and keeps them",
    run: async (t, rig) => {
      const spec = rig.service("one", STAY);
      await rig.do({ set: spec });
      const pid = await rig.alone("one");
      await rig.killDaemon();
      t.deepEqual((await rig.ask("look")).list, [{ name: "one", hash: processHash(spec) }]);
      t.is(await rig.alone("one"), pid);
      process.kill(pid, "SIGKILL");
      await rig.alone("one", pid);
    },
  },
  {
    what: "a change that a killed daemon had begun is not taken for what was there before",
    run: async (t, rig) => {
      // Deaf, so that there is time to be killed.
      const before = rig.service("one", `trap '' TERM; echo deaf >${rig.dir}/said; ${STAY}`);
      const after = rig.service("one", `: changed; ${STAY}`);
      await rig.do({ set: before });
      const pid = await rig.alone("one");
      await rig.until("its word", async () => ((await text(rig, "said")) === "deaf\n" ? true : undefined));
      rig.send({ set: after });
      await rig.until("the change", async () =>
        (await readFile(join(rig.services, "one/run"), "utf8")).includes(": changed") ? true : undefined,
      );
      await rig.killDaemon();
      const { list } = await rig.do("look");
      t.true(list.every(({ name, hash }) => name === "one" && hash !== processHash(before)));
      // Somebody took the change back meanwhile.
      await rig.do({ set: before });
      const last = await rig.alone("one", pid);
      t.notRegex(await readFile(`/proc/${last}/cmdline`, "utf8"), /: changed/u);
    },
  },
  {
    what: "after a killed supervisor nothing is doubled or lost, three times in a row",
    run: async (t, rig) => {
      const spec = rig.service("one", STAY);
      await rig.do({ set: spec });
      await rig.do({ set: rig.service("two", STAY) });
      await Promise.all([rig.alone("one"), rig.alone("two")]);
      for (let round = 0; round < 3; round += 1) await rig.killSupervisor();
      const after = await rig.do("look");
      t.deepEqual(
        after.list.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(({ name, hash }) => [name, hash !== null]),
        [
          ["one", true],
          ["two", true],
        ],
      );
      const pid = await rig.alone("one");
      await rig.alone("two");
      process.kill(pid, "SIGKILL");
      await rig.alone("one", pid);
      await rig.do({ remove: "one" });
      t.deepEqual(await rig.pids("one"), []);
    },
  },
  {
    what: "what a service holds is given back when it is removed for good, once, and at no other end of it",
    run: async (t, rig) => {
      const [file, told] = [join(rig.dir, "lease"), join(rig.dir, "told")];
      // Two manners: one that stays as udhcpc does, and one that ends as dhcpcd does and would be started again.
      const manners = { SIGUSR2: ":", SIGALRM: "exit 0" } as const;
      for (const [release, end] of Object.entries(manners) as [keyof typeof manners, string][]) {
        // What it tells comes last: by then it heeds the signal and has its lease.
        const script = `
          trap 'test -e ${file} && echo valid >>${told}; echo back >>${told}; rm -f ${file}.release; ${end}' ${release.slice(3)}
          echo lease >${file}; echo asked >>${told}
          while :; do sleep 60 & wait $!; done`;
        const spec = rig.service("client", script, { lease: { file, release } });
        const held = async (count: number): Promise<string> =>
          await rig.until("a lease", async () => {
            const said = await text(rig, "told");
            return (await text(rig, "lease")) === "lease\n" && said.split("\n").length > count ? said : undefined;
          });
        await rig.do({ set: spec });
        t.is(await held(1), "asked\n");
        const pid = await rig.alone("client");
        await rig.killDaemon();
        process.kill(await rig.alone("client"), "SIGTERM");
        await rig.alone("client", pid);
        t.notRegex(await held(2), /back/u);
        await rig.do({ set: { ...spec, env: { WORD: "another" } } });
        t.notRegex(await held(3), /back/u);
        await rig.do({ remove: "client", keep: [file] });
        t.is(await text(rig, "lease"), "lease\n", "somebody goes on with it");
        t.is(await text(rig, "told"), "asked\nasked\nasked\n");

        await rig.do({ set: spec });
        await held(4);
        await rig.do({ remove: "client" });
        t.is(await text(rig, "told"), `${"asked\n".repeat(4)}back\n`, release);
        for (const path of [file, `${file}.release`, join(rig.services, "client")]) t.false(existsSync(path), path);
        // A removal that was interrupted: it rests, and is whole again when it is wanted.
        await rig.do({ set: spec });
        const asked = await held(6);
        await rm(join(rig.services, "client/definition"));
        await writeFile(join(rig.services, "client/leaving"), "");
        const killed = await rig.alone("client");
        process.kill(killed, "SIGKILL");
        const { list } = await rig.until("another process", async () => {
          const seen = await rig.ask("look");
          const found = seen.states.find(({ name }) => name === "client");
          const rests = found?.up === true && found.pid !== killed && (await rig.pids("client")).length === 0;
          return rests ? seen : undefined;
        });
        t.deepEqual(list, [{ name: "client", hash: null }]);
        t.is(await text(rig, "told"), asked);
        await rig.do({ set: spec });
        await held(7);
        await rig.do({ remove: "client", keep: [file] });
        await rm(file);
        await rm(told);
      }
    },
  },
  {
    what: "what a client reports of a lease that it was told to give back does not hold, however long it takes",
    run: async (t, rig) => {
      const file = join(rig.dir, "lease");
      // As udhcpc, which waits for the script that reports, and heeds no signal meanwhile.
      const script = `trap 'sleep 2.5; echo lease >${file}; rm -f ${file}.release; exit 0' USR2
        trap '' TERM; echo lease >${file}; while :; do sleep 60 & wait $!; done`;
      await rig.do({ set: rig.service("client", script, { lease: { file, release: "SIGUSR2" } }) });
      await rig.until("a lease", async () => ((await text(rig, "lease")) === "" ? undefined : true));
      await rig.alone("client");
      await rig.do({ remove: "client" });
      for (const path of [file, `${file}.release`, join(rig.services, "client")]) t.false(existsSync(path), path);
    },
  },
  {
    what: "a service that needs the network never starts before the node is online",
    run: async (t, rig) => {
      const needy = rig.service("needy", `cut -d ' ' -f 1 /proc/uptime >${rig.dir}/began; ${STAY}`, {
        needs: ["online"],
      });
      await rig.do({ set: needy });
      await rig.do({ set: rig.service("clock", `echo started >>${rig.dir}/clock; exit 1`) });
      // It had its time: another one that was registered after it started twice.
      await rig.until("a while", async () => ((await lines(rig, "clock")) >= 2 ? true : undefined));
      t.false(existsSync(join(rig.dir, "began")));
      const online = Number((await readFile("/proc/uptime", "utf8")).split(" ")[0]);
      await writeFile(join(rig.dir, "run/online"), "");
      await rig.alone("needy");
      await rig.until("its start", async () => ((await text(rig, "began")) === "" ? undefined : true));
      t.true(Number(await text(rig, "began")) >= online);
    },
  },
];

/** One table for every supervisor: s6, the real zinit 0.3, the lines of zinit 0.2, and the daemon alone. Titles with their tests. */
export function supervisorTable(
  kind: SupervisorKind,
): readonly (readonly [title: string, run: (t: ExecutionContext) => Promise<void>])[] {
  return TABLE.map(({ what, run }) => [
    `${kind}: ${what}`,
    async (t) => {
      await using rig = await SupervisorRig.open(kind);
      t.is((await rig.ask("look")).kind, kind);
      await run(t, rig);
    },
  ]);
}

/** A service that `occupy` made under the name that we want is named in the refusal, and outlives our removal. */
export async function strangerIsLeftAlone(
  t: ExecutionContext,
  kind: SupervisorKind,
  occupy: (rig: SupervisorRig) => Promise<void>,
): Promise<void> {
  await using rig = await SupervisorRig.open(kind);
  await occupy(rig);
  const { failed } = await rig.ask({ set: rig.service("one", STAY) });
  t.regex(failed ?? "", /^cannot register service one: [^\n]* not Netloom's; rename the other service$/u);
  t.deepEqual(await rig.pids("one"), []);
  const { failed: removal } = await rig.ask({ remove: "one" });
  t.is(removal, undefined);
  t.regex((await rig.ask({ set: rig.service("one", STAY) })).failed ?? "", /not Netloom's/u);
}

async function text(rig: SupervisorRig, name: string): Promise<string> {
  return await readFile(join(rig.dir, name), "utf8").catch(() => "");
}

async function lines(rig: SupervisorRig, name: string): Promise<number> {
  return (await text(rig, name)).split("\n").length - 1;
}
