import test from "ava";
import type { Actual, ActualLink } from "../../model/actual.ts";
import type { Document } from "../../model/document.ts";
import { HOST } from "../../model/kernel.ts";
import { facts, lan, lease, nic, resource } from "../../testing/builders.ts";
import { applySteps, emptyKernel, physicalNic, seenRoute } from "../../testing/memory-kernel.ts";
import { compile } from "../compile.ts";
import { explain } from "../explain.ts";
import { diff } from "./index.ts";

const bridge = (name: string, index: number): ActualLink => ({ ...physicalNic(name, index), type: "bridge", up: true });
const nics = [nic("eth0"), nic("eth1")];

interface Case {
  readonly title: string;
  readonly actual: Partial<Actual>;
  readonly documents: readonly Document[];
  /** Whether the uplink eth0 has a lease. */
  readonly online?: true;
  readonly foreign: readonly string[];
  /** What no step may speak of. */
  readonly untouched: RegExp;
}

const CASES: readonly Case[] = [
  {
    title: "a bridge of the wanted name: no port is plugged in, no parameter set",
    actual: { link: [bridge("rdemo", 5)] },
    documents: [resource("demo")],
    foreign: ["link rdemo exists (bridge) and is not Netloom's"],
    untouched: /rdemo/u,
  },
  {
    title: "a namespace of the wanted name: nothing is born in it",
    actual: { netns: [{ name: "ndemo", owned: false }] },
    documents: [resource("demo")],
    foreign: ["namespace ndemo exists and is not this daemon's"],
    untouched: /ndemo|private/u,
  },
  {
    title: "a NIC in somebody's bridge stays there",
    actual: { link: [bridge("docker0", 5), { ...physicalNic("eth1", 3), master: "docker0" }] },
    documents: [lan("lab", { nics: ["eth1"] })],
    foreign: ["link eth1 is a port of docker0, which is not Netloom's"],
    untouched: /eth1|docker0/u,
  },
  {
    title: "somebody's route of the same network and metric is not replaced",
    actual: {
      link: [{ ...physicalNic("eth0", 2), up: true }],
      route: [seenRoute({ to: "0.0.0.0/0", dev: "eth9", via: "10.9.9.9", metric: 1024 })],
    },
    documents: [],
    online: true,
    foreign: ["route 0.0.0.0/0 metric 1024 exists (dev eth9 via 10.9.9.9) and is not Netloom's"],
    untouched: /route/u,
  },
  {
    title: "a table of our name without our mark is neither loaded nor removed",
    actual: {
      netns: [{ name: "ndemo", owned: true }],
      nft: [{ netns: "ndemo", family: "inet", table: "netloom", hash: null, touched: false }],
    },
    documents: [resource("demo")],
    foreign: ["nft table ndemo/inet netloom exists and is not Netloom's"],
    untouched: /nft/u,
  },
];

for (const { title, actual, documents, online, foreign, untouched } of CASES) {
  test(title, (t) => {
    const kernel: Actual = { ...emptyKernel(), ...actual };
    const known = facts({ nics, leases: online === true ? [lease("eth0")] : [] });
    const wanted = diff(kernel, compile(documents, known).target);
    t.deepEqual(wanted.foreign, foreign);
    const lines = wanted.steps.map(explain);
    t.deepEqual(
      lines.filter((line) => untouched.test(line)),
      [],
    );
    // Nor does anything of it go when the documents do.
    const unwanted = diff(kernel, compile([], facts()).target).steps.map(explain);
    t.deepEqual(
      unwanted.filter((line) => untouched.test(line) && !line.startsWith("ip netns del ndemo")),
      [],
    );
  });
}

test("somebody's equal address or route is enough, and stays when ours would go", (t) => {
  const kernel: Actual = {
    ...emptyKernel(),
    link: [{ ...physicalNic("eth0", 2), up: true }],
    address: [
      { netns: HOST, dev: "eth0", address: "192.168.50.17/24", owned: false, validUntil: null, preferredUntil: null },
    ],
    route: [seenRoute({ to: "0.0.0.0/0", dev: "eth0", via: "192.168.50.1", metric: 1024 })],
  };
  const online = compile([], facts({ nics: [nic("eth0")], leases: [lease("eth0")] })).target;
  t.deepEqual(diff(kernel, online).foreign, []);
  t.notRegex(diff(kernel, online).steps.map(explain).join("\n"), /addr|route/u);
  t.deepEqual(diff(kernel, compile([], facts()).target).steps, []);
});

test("what others plug into our bridge stays plugged in, and what a document named is released", (t) => {
  const start: Actual = { ...emptyKernel(), link: [physicalNic("eth1", 3)] };
  const known = facts({ nics: [nic("eth1")] });
  const withPort = compile([lan("lab", { nics: ["eth1"] })], known).target;
  const made = applySteps(start, diff(start, withPort).steps);
  const member: ActualLink = { ...physicalNic("tap0", 9), type: "tun", up: true, master: "l-lab", masterOwned: true };
  const plugged = { ...made, link: [...made.link, member] };
  t.deepEqual(diff(plugged, withPort).steps, []);
  const without = diff(plugged, compile([lan("lab")], facts()).target).steps.map(explain);
  t.deepEqual(without, ["ip link set eth1 nomaster"]);
});
