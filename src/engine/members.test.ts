import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { createLog } from "../lib/log.ts";
import { NO_FLAGS } from "../model/boot-flags.ts";
import type { LanDocument } from "../model/document.ts";
import { lan, resource } from "../testing/builders.ts";
import { MemoryHost } from "../testing/memory-host.ts";
import { physicalNic } from "../testing/memory-kernel.ts";
import { yaml } from "../testing/yaml.ts";
import { Allocations } from "./allocations.ts";
import { Engine } from "./engine.ts";
import { Guard } from "./guard.ts";
import { NodeState } from "./node-state.ts";
import { DocumentStore } from "./store.ts";

const lab = lan("lab", { cidr: "10.5.0.0/24" });

interface World {
  readonly root: string;
  readonly host: MemoryHost;
  readonly engine: Engine;
  readonly problems: readonly string[];
}

/** An engine over a kernel in memory that has some containers' namespaces, and a LAN. */
async function world(
  t: ExecutionContext,
  { lans = [lab], from }: { lans?: LanDocument[]; from?: World } = {},
): Promise<World> {
  const root = from?.root ?? (await mkdtemp(join(tmpdir(), "netloom-members-")));
  const host = from?.host ?? new MemoryHost();
  if (from === undefined) {
    const netns = ["c1", "c2", "c3", "c4"].map((name) => ({ name, owned: false }));
    host.kernel = { ...host.kernel, netns };
    t.teardown(() => rm(root, { recursive: true, force: true }));
  }
  const state = await NodeState.open(root, root, () => undefined);
  const store = new DocumentStore(join(root, "documents"));
  await store.load();
  const allocations = new Allocations(join(root, "allocations"));
  const problems = await allocations.load();
  const places = { runtimeDir: join(root, "run"), stateDir: root, appliance: false, flags: NO_FLAGS };
  const log = createLog("silent");
  const { guard } = await Guard.open({ root, host, store, log, seconds: 50, startDetached: () => undefined });
  const engine = new Engine({ host, store, allocations, state, guard, log, ...places });
  t.teardown(() => engine[Symbol.asyncDispose]());
  await engine.start();
  if (from === undefined) await engine.apply([{ name: "text", text: yaml(...lans) }]);
  return { root, host, engine, problems };
}

const links = ({ host }: World, netns: string): readonly string[] =>
  host.kernel.link.filter((link) => link.netns === netns).map(({ name }) => name);

test("a member gets a link into its namespace, an address, a route and a place in the bridge, and a pass finds nothing to do", async (t) => {
  const here = await world(t);
  const { member, report } = await here.engine.join({ lan: "lab", netns: "c1" });
  t.like(member, { name: "c1", nic: "eth0", addresses: ["10.5.0.2/24"] });
  t.deepEqual(report.steps, [
    `ip link add ${member.hostName} address ${member.mac.replace("02", "06")} master l-lab up type veth peer name eth0 address ${member.mac} netns c1 up`,
    "ip -n c1 addr add 10.5.0.2/24 dev eth0",
    "ip -n c1 route replace default via 10.5.0.1 dev eth0",
  ]);
  t.like(await here.engine.apply([{ name: "text", text: yaml(lab) }]), { outcome: "unchanged" });
  t.like(await here.engine.leave("lab", "c1"), { outcome: "changed", steps: [`ip link del ${member.hostName}`] });
  t.deepEqual(links(here, "c1"), []);
  t.deepEqual(await readdir(join(here.root, "allocations")), []);
});

test("who joins twice is joined once, and is mended where it was damaged", async (t) => {
  const here = await world(t);
  const { member } = await here.engine.join({ lan: "lab", netns: "c1", name: "web" });
  t.like(await here.engine.join({ lan: "lab", netns: "c1", name: "web" }), {
    member,
    report: { outcome: "unchanged" },
  });
  here.host.kernel = { ...here.host.kernel, address: here.host.kernel.address.filter(({ netns }) => netns !== "c1") };
  t.deepEqual((await here.engine.join({ lan: "lab", netns: "c1", name: "web" })).report.steps, [
    "ip -n c1 addr add 10.5.0.2/24 dev eth0",
  ]);
});

test("what was given is in a readable file, and a restarted daemon gives it to nobody else", async (t) => {
  const here = await world(t);
  const { member } = await here.engine.join({ lan: "lab", netns: "c1" });
  t.is(
    await readFile(join(here.root, "allocations/lab.yaml"), "utf8"),
    `# Members of Lan lab with what Netloom gave them.
lan: lab
members:
- name: c1
  netns: c1
  nic: eth0
  hostName: ${member.hostName}
  mac: ${member.mac}
  addresses:
    - 10.5.0.2/24
  routes:
    - to: 0.0.0.0/0
      via: 10.5.0.1
`,
  );
  await here.engine[Symbol.asyncDispose]();
  const again = await world(t, { from: here });
  t.is(again.engine.view.report?.outcome, "unchanged");
  t.deepEqual((await again.engine.join({ lan: "lab", netns: "c1" })).member, member);
  t.deepEqual((await again.engine.join({ lan: "lab", netns: "c2" })).member.addresses, ["10.5.0.3/24"]);
});

test("an address that became free is not given again at once", async (t) => {
  const { engine } = await world(t);
  const given = [];
  for (const netns of ["c1", "c2", "c1"]) {
    given.push((await engine.join({ lan: "lab", netns })).member.addresses[0]);
    await engine.leave("lab", netns);
  }
  t.deepEqual(given, ["10.5.0.2/24", "10.5.0.3/24", "10.5.0.4/24"]);
});

test("a LAN that is full says how many it has room for, and joins again after one left", async (t) => {
  const { engine } = await world(t, { lans: [lan("lab", { cidr: "10.5.0.0/29", dhcp: false })] });
  t.is((await engine.join({ lan: "lab", netns: "c1" })).member.addresses[0], "10.5.0.2/29");
  for (const nic of ["a", "b", "c", "d"]) await engine.join({ lan: "lab", netns: "c2", name: nic, nic });
  await t.throwsAsync(engine.join({ lan: "lab", netns: "c3" }), {
    message:
      "cannot join Member lab/c3: all 5 addresses that Lan lab (10.5.0.0/29) has for members are taken; make its network wider",
  });
  await engine.leave("lab", "b");
  t.is((await engine.join({ lan: "lab", netns: "c3" })).member.addresses[0], "10.5.0.4/29");
});

test("addresses that DHCP gives are left to it", async (t) => {
  const { engine } = await world(t, { lans: [lan("lab", { cidr: "10.5.0.0/28", dhcp: true })] });
  t.is((await engine.join({ lan: "lab", netns: "c1" })).member.addresses[0], "10.5.0.2/28");
  await engine.join({ lan: "lab", netns: "c2" });
  await t.throwsAsync(engine.join({ lan: "lab", netns: "c3" }), {
    message: /all 2 addresses [^;]+; the rest is what DHCP gives/u,
  });
});

test("refusals name who has what", async (t) => {
  const { engine } = await world(t, { lans: [lab, lan("two", { cidr: "10.6.0.0/24" })] });
  await engine.apply([{ name: "text", text: yaml(resource("demo")) }]);
  await engine.join({ lan: "lab", netns: "c1" });
  const refusals: readonly (readonly [object: Parameters<Engine["join"]>[0], why: RegExp])[] = [
    [{ lan: "none", netns: "c2" }, /^cannot join Member none\/c2: there is no Lan none; /u],
    [{ lan: "two", netns: "c1" }, /^cannot join Member two\/c1: eth0 in namespace c1 is that of Member lab\/c1; /u],
    [
      { lan: "lab", netns: "c2", name: "c1" },
      /^cannot join Member lab\/c1: it is joined already, as eth0 in namespace c1; /u,
    ],
    [
      { lan: "lab", netns: "ndemo" },
      /^cannot join Member lab\/ndemo: namespace ndemo is that of NetworkResource demo; /u,
    ],
    [{ lan: "lab", netns: "../c2" }, /namespace/u],
    [{ lan: "lab", netns: "c2", name: "a b" }, /name/u],
    [{ lan: "lab", netns: "c2", nic: "eth/0" }, /nic/u],
  ];
  for (const [request, message] of refusals) await t.throwsAsync(engine.join(request), { message });
  await t.throwsAsync(engine.leave("lab", "c9"), { message: "cannot leave Member lab/c9: there is no such member" });
  await t.throwsAsync(engine.delete("Lan", "lab"), {
    message: "cannot delete Lan lab: it has 1 member: c1; let them leave first",
  });
  t.like(await engine.apply([{ name: "text", text: yaml(lan("lab", { cidr: "10.9.0.0/24" })) }]), {
    outcome: "failed",
    issues: [{ message: "Member lab/c1 has 10.5.0.2/24, which is not in Lan lab (10.9.0.0/24): let it leave first" }],
  });
});

test("requests that wait for each other are served together, and each has its own answer", async (t) => {
  const here = await world(t);
  const before = here.host.executed;
  const joined = await Promise.all(["c1", "c2", "c3"].map((netns) => here.engine.join({ lan: "lab", netns })));
  t.is(here.host.executed, before + 1);
  t.deepEqual(
    joined.map(({ report }) => report.steps[1]),
    ["c1", "c2", "c3"].map((netns, index) => `ip -n ${netns} addr add 10.5.0.${index + 2}/24 dev eth0`),
  );
  const [left, none] = await Promise.allSettled([here.engine.leave("lab", "c1"), here.engine.leave("lab", "c9")]);
  t.deepEqual([left.status, none.status], ["fulfilled", "rejected"]);
  // One that leaves and joins at once does both, in that order.
  await Promise.all([here.engine.leave("lab", "c2"), here.engine.join({ lan: "lab", netns: "c2" })]);
  t.deepEqual(links(here, "c2"), ["eth0"]);
});

test("a member that cannot be made whole is taken back, and the others are made", async (t) => {
  const here = await world(t);
  here.host.refuses = '"address":"10.5.0.2/24"';
  const [first, second] = await Promise.allSettled(
    ["c1", "c2"].map((netns) => here.engine.join({ lan: "lab", netns })),
  );
  t.is(
    first?.status === "rejected" && String(first.reason),
    "NetloomError: cannot join Member lab/c1: the kernel refuses",
  );
  t.is(second?.status, "fulfilled");
  t.deepEqual([links(here, "c1"), links(here, "c2")], [[], ["eth0"]]);
  t.notRegex(await readFile(join(here.root, "allocations/lab.yaml"), "utf8"), /c1/u);
});

test("somebody's link of the wanted name is named, and left alone", async (t) => {
  const here = await world(t);
  const theirs = { ...physicalNic("eth0", 9), netns: "c1", type: "dummy" };
  here.host.kernel = { ...here.host.kernel, link: [...here.host.kernel.link, theirs] };
  here.host.refusesAs = "EEXIST";
  here.host.refuses = '"netns":"c1"';
  await t.throwsAsync(here.engine.join({ lan: "lab", netns: "c1" }), {
    message: /^cannot join Member lab\/c1: link c1\/eth0 exists[^;]+; rename it, or remove it$/u,
  });
  t.deepEqual(links(here, "c1"), ["eth0"]);
});

test("a member whose namespace is gone is named and kept, and leaves without a step", async (t) => {
  const here = await world(t);
  await here.engine.join({ lan: "lab", netns: "c1" });
  const { netns, link, address, route, ...rest } = here.host.kernel;
  const elsewhere = <T extends { readonly netns: string }>(objects: readonly T[]): readonly T[] =>
    objects.filter((object) => object.netns !== "c1");
  here.host.kernel = {
    ...rest,
    netns: netns.filter(({ name }) => name !== "c1"),
    link: elsewhere(link).filter(({ type }) => type !== "veth"),
    address: elsewhere(address),
    route: elsewhere(route),
  };
  here.host.event();
  await here.engine.nextPass(AbortSignal.timeout(10_000));
  t.is(here.engine.view.report?.outcome, "unchanged");
  t.deepEqual(here.engine.view.problems, [
    "Member lab/c1: its namespace c1 is gone; what it was given is kept until it leaves",
  ]);
  t.like(await here.engine.leave("lab", "c1"), { outcome: "unchanged", steps: [] });
});

test("a damaged file of allocations is set aside with a word, and the rest starts", async (t) => {
  const here = await world(t, { lans: [lab, lan("two", { cidr: "10.6.0.0/24" })] });
  await here.engine.join({ lan: "lab", netns: "c1" });
  await here.engine.join({ lan: "two", netns: "c2" });
  await here.engine[Symbol.asyncDispose]();
  const path = join(here.root, "allocations/lab.yaml");
  await writeFile(path, "lan: lab\nmembers:\n- name: c1\n  netns: 7\n");
  const again = await world(t, { from: here });
  t.is(again.problems.length, 1);
  t.regex(
    again.problems[0] ?? "",
    /^set aside \S+lab\.yaml as \S+lab\.yaml\.damaged: \S+lab\.yaml:4: members\.0\.netns is no text[^]*; its members have to join again$/u,
  );
  // Nobody is named any more whose link it could be.
  t.deepEqual([links(again, "c1"), links(again, "c2")], [[], ["eth0"]]);
});

test("when it cannot be kept, nobody is joined", async (t) => {
  const here = await world(t);
  await rm(join(here.root, "allocations"), { recursive: true });
  await writeFile(join(here.root, "allocations"), "");
  await t.throwsAsync(here.engine.join({ lan: "lab", netns: "c1" }), {
    message: /^cannot keep Member lab\/c1: [^]+; nothing was changed; see that \S+allocations can be written$/u,
  });
  t.deepEqual(links(here, "c1"), []);
});

test("members that come and go without a pause do not keep a pass from its turn", async (t) => {
  const here = await world(t);
  const { total } = here.engine.view;
  here.engine.wake();
  // Each next one is asked for as soon as the one before is answered.
  for (let round = 0; round < 200 && here.engine.view.total === total; round += 1) {
    await here.engine.join({ lan: "lab", netns: "c1" });
    await here.engine.leave("lab", "c1");
  }
  t.true(here.engine.view.total > total);
});
