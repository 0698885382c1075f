import test from "ava";
import type { Answer, Asked } from "../model/check.ts";
import { Probes } from "./probes.ts";

const passed: Answer = {
  gateway4: { name: "IPv4 gateway", passed: true, detail: "10.0.0.1 by eth0 answers" },
  checks: [],
};
const asked = (netns: string): readonly Asked[] => [
  {
    nic: "eth0",
    addresses: ["10.0.0.5/24"],
    question: { netns, dev: "eth0", gateways: ["10.0.0.1"], targets: ["icmp://10.0.0.1"] },
  },
];

/** Probes of a network whose answers a test gives, and a promise of the next question. */
function rig(before: Readonly<Record<string, Answer>> = {}): {
  readonly probes: Probes;
  readonly changes: () => number;
  readonly next: () => Promise<PromiseWithResolvers<Answer>>;
} {
  let changes = 0;
  let noticed = Promise.withResolvers<void>();
  const questions: PromiseWithResolvers<Answer>[] = [];
  const ask = (): Promise<Answer> => {
    const question = Promise.withResolvers<Answer>();
    questions.push(question);
    noticed.resolve();
    return question.promise;
  };
  const next = async (): Promise<PromiseWithResolvers<Answer>> => {
    await noticed.promise;
    noticed = Promise.withResolvers();
    const question = questions.at(-1);
    if (question === undefined) throw new Error("nothing was asked");
    return question;
  };
  return { probes: new Probes({ ask }, before, () => changes++), changes: () => changes, next };
}

test("an answer is a fact of its NIC, and asks for a pass when it is another one", async (t) => {
  const { probes, changes, next } = rig();
  using _owned = probes;
  probes.follow(asked("probe-eth0"));
  (await next()).resolve(passed);
  await new Promise(setImmediate);
  t.like(probes.of("eth0"), passed);
  t.is(changes(), 1);
});

test("a place that is gone says nothing about its network: what was answered before holds", async (t) => {
  const { probes, changes, next } = rig({ eth0: passed });
  using _owned = probes;
  probes.follow(asked("probe-eth0"));
  (await next()).reject(new Error("ENOENT"));
  await new Promise(setImmediate);
  t.deepEqual(probes.of("eth0"), passed);
  t.is(changes(), 0);
});

test("a network that never could be asked says why, for its gateway and for each target", async (t) => {
  const { probes, next } = rig();
  using _owned = probes;
  probes.follow(asked("probe-eth0"));
  (await next()).reject(new Error("too many open files"));
  await new Promise(setImmediate);
  const { gateway4, checks } = probes.of("eth0") ?? {};
  t.like(gateway4, { passed: false, detail: "too many open files" });
  t.like(checks, [{ name: "icmp://10.0.0.1", passed: false, detail: "too many open files" }]);
});

test("asked from another place, a network keeps its answer, and what comes late from the first place is not heard", async (t) => {
  const { probes, next } = rig({ eth0: passed });
  using _owned = probes;
  probes.follow(asked("probe-eth0"));
  const late = await next();
  probes.follow(asked("host"));
  await next();
  late.resolve({ ...passed, gateway4: { name: "IPv4 gateway", passed: false, detail: "does not answer" } });
  await new Promise(setImmediate);
  t.deepEqual(probes.of("eth0"), passed);
});
