/** kill -9 at any moment: what stands stays, and the next daemon brings the rest to what is wished. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import test from "ava";
import { lan, resource } from "../testing/builders.ts";
import { lookAtLinks } from "../testing/look-at-links.ts";
import { SOURCE, BINARY, TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

for (const runtime of [SOURCE, BINARY]) {
  test(`${runtime.title}: after kill -9 everything stays, and the next daemon has nothing to do`, async (t) => {
    const node = await TestNode.start(t, { runtime });
    await node.apply(yaml(lan("lab", { cidr: "10.5.0.0/24", dhcp: true }), resource("demo")));
    const pid = await node.sandbox.until(
      "dnsmasq",
      async () => (await node.client.status()).processes[0]?.pid ?? undefined,
    );
    const links = await lookAtLinks(node.sandbox, "ip -o link");
    await node.stopDaemon("SIGKILL");
    t.is(await lookAtLinks(node.sandbox, "ip -o link"), links);
    const status = await node.startDaemon();
    t.is(status.reconciles.changed, 0);
    t.like(status.lastReconcile, { outcome: "unchanged", steps: [] });
    t.is(status.processes[0]?.pid, pid, "a service was restarted");
    t.is(await lookAtLinks(node.sandbox, "ip -o link"), links);
  });
}

/** Milliseconds from the start of the change to the kill; the change takes some hundred. */
const MOMENTS = [2, 20, 50, 90, 150];
const many = Array.from({ length: 5 }, (_unused, n) => resource(`demo${n}`, { subnet: `10.10.${n + 1}.0/24` }));
const text = yaml(...many, lan("lab", { cidr: "10.5.0.0/24", dhcp: true }));

for (const change of ["apply", "delete"] as const) {
  test(`kill -9 in the middle of ${change === "apply" ? "an apply" : "deletions"}: the next daemon finishes the work`, async (t) => {
    // It starts in a fraction of the time that the source takes.
    const node = await TestNode.start(t, { runtime: BINARY });
    const [empty, running] = [await node.snapshot(), (await node.sandbox.processes()).size];
    const cut = { early: 0, late: 0 };
    for (const moment of MOMENTS) {
      if (change === "delete") t.like(await node.apply(text), { code: 0, err: "" });
      const done =
        change === "apply"
          ? node.client.apply([{ name: "text", text }]).then(() => "late" as const)
          : removeAll(node).then(() => "late" as const);
      const outcome = done.catch(() => "early" as const);
      await delay(moment);
      await node.stopDaemon("SIGKILL");
      cut[await outcome] += 1;
      await node.startDaemon();
      await node.sandbox.until("the new daemon to converge", async () => {
        const report = (await node.client.status()).lastReconcile;
        return report?.outcome === "failed" ? undefined : true;
      });
      if (change === "apply") {
        t.like(await node.apply(text), { code: 0, err: "" }, `killed after ${moment} ms`);
        t.deepEqual(await node.apply(text), { code: 0, out: "no changes\n", err: "" });
      }
      await removeAll(node);
      await node.sandbox.until("the end of what the killed daemon had run", async () =>
        (await node.sandbox.processes()).size === running ? true : undefined,
      );
      t.is(await node.snapshot(), empty, `killed after ${moment} ms`);
    }
    // Else every kill came too late, and the test has proven nothing.
    t.true(cut.early > 0, JSON.stringify(cut));
  });
}

test("a name that a crash left without its namespace is taken over", async (t) => {
  const node = await TestNode.start(t, {
    prepare: async ({ sandbox }) => void (await sandbox.output(["touch", "/run/netns/ndemo"])),
  });
  t.like(await node.apply(yaml(resource("demo"))), { code: 0, err: "" });
  t.true((await node.links("ndemo")).includes("private"));
});

test("a name that a crash left of a namespace that was being removed goes, unless it is somebody else's", async (t) => {
  const node = await TestNode.start(t, {
    prepare: async ({ sandbox }) => void (await sandbox.output(["touch", "/run/netns/theirs"])),
  });
  const empty = await node.snapshot();
  t.like(await node.apply(yaml(resource("demo"))), { code: 0, err: "" });
  await node.stopDaemon("SIGKILL");
  // As far as it comes when it is killed between the end of the namespace and that of its name.
  await rm(join(node.root, "documents/NetworkResource-demo.yaml"));
  await node.sandbox.output(["umount", "/run/netns/ndemo"]);
  await node.startDaemon();
  t.is(await node.snapshot(), empty);
});

test("a name that a kill left where one of our namespaces was about to be made goes with the next start", async (t) => {
  const node = await TestNode.start(t);
  await node.stopDaemon("SIGKILL");
  // `ip netns` makes its own without any permission.
  await node.sandbox.output(["sh", "-c", "cd /run/netns && touch left theirs && chmod 1000 left && chmod 0 theirs"]);
  await node.startDaemon();
  t.is(await node.sandbox.output(["ls", "/run/netns"]), "theirs\n");
});

async function removeAll(node: TestNode): Promise<void> {
  const { documents } = await node.client.documents();
  for (const { kind, name } of documents) {
    const report = await node.client.delete(kind, name);
    if (report.outcome === "failed") throw new Error(JSON.stringify(report.failures));
  }
}
