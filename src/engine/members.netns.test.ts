/** Members on the real kernel: containers' namespaces, which are not ours, plugged into a LAN. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { lan, node, resource } from "../testing/builders.ts";
import { EngineChild } from "../testing/engine-child.ts";
import { Sandbox } from "../testing/sandbox.ts";
import { yaml } from "../testing/yaml.ts";

const none = node({ uplink: { mode: "none", ignore: [] } });
const lab = lan("lab", { cidr: "10.5.0.0/24", ipv6: { cidr: "fd05::/64", dhcp: true } });

async function sandboxOf(t: ExecutionContext, containers: readonly string[]): Promise<Sandbox> {
  const sandbox = await Sandbox.open();
  t.teardown(() => sandbox[Symbol.asyncDispose]());
  for (const name of containers) {
    await sandbox.ip(`netns add ${name}`);
    await sandbox.ip(`-n ${name} link set lo up`);
  }
  return sandbox;
}

test("containers that join reach each other and the gateway, and keep their addresses over a crash of the daemon", async (t) => {
  const containers = Array.from({ length: 8 }, (_unused, index) => `c${index}`);
  const sandbox = await sandboxOf(t, containers);
  const joins = containers.map((netns) => ({ lan: "lab", netns }));
  const first = await EngineChild.start(sandbox, yaml(none, lab));
  const { joined = [] } = await first.ask({ op: "join", joins });
  const members = joined.flatMap((one) => ("member" in one ? [one.member] : []));
  t.is(members.length, containers.length, JSON.stringify(joined));
  for (const target of ["10.5.0.1", "10.5.0.9", "fd05::1", "fd05::2009"])
    t.is((await sandbox.run(["ip", "netns", "exec", "c0", "ping", "-c", "1", "-W", "5", target])).code, 0, target);
  await first.kill();
  // Damage that nobody is there to see.
  await sandbox.ip("-n c3 address flush dev eth0");
  const second = await EngineChild.start(sandbox, yaml(none, lab));
  t.teardown(() => second[Symbol.asyncDispose]());
  const again = await second.ask({ op: "join", joins });
  t.deepEqual(
    again.joined?.map((one) => ("member" in one ? [one.member, one.report.outcome] : one)),
    members.map((member) => [member, "unchanged"]),
  );
  t.regex(await sandbox.ip("-n c3 address show dev eth0"), /inet 10\.5\.0\.5\/24/u);
  const { left = [] } = await second.ask({ op: "leave", lan: "lab", names: [...containers, "nobody"] });
  t.deepEqual(
    left.map((one) => ("refused" in one ? one.refused : one.outcome)),
    [...containers.map(() => "changed"), "cannot leave Member lab/nobody: there is no such member"],
  );
  t.notRegex(await sandbox.ip("link"), /master l-lab/u);
  t.notRegex(await sandbox.ip("-n c3 link"), /eth0/u);
});

test("a container's namespace ends when its owner ends it, and its member is named", async (t) => {
  const sandbox = await sandboxOf(t, ["c1"]);
  await using engine = await EngineChild.start(sandbox, yaml(none, lab));
  await engine.ask({ op: "join", joins: [{ lan: "lab", netns: "c1" }] });
  await sandbox.ip("netns del c1");
  // The kernel takes the pair away once nothing holds the namespace any more.
  await sandbox.until("the end of the pair", async () =>
    /master l-lab/u.test(await sandbox.ip("link")) ? undefined : true,
  );
  const { problems } = await sandbox.until("the daemon to notice", async () => {
    const seen = await engine.ask({ op: "look" });
    return seen.problems.length > 0 ? seen : undefined;
  });
  t.regex(problems.join("\n"), /^Member lab\/c1: its namespace c1 is gone;/u);
});

test("what stands in the way inside is named and left alone, and so is what is not there", async (t) => {
  const sandbox = await sandboxOf(t, ["c1", "c2"]);
  await sandbox.ip("-n c1 link add eth0 type bridge");
  await using engine = await EngineChild.start(sandbox, yaml(none, lab, resource("demo")));
  const joins = ["c1", "c9", "ndemo", "c2"].map((netns) => ({ lan: "lab", netns }));
  const { joined = [] } = await engine.ask({ op: "join", joins });
  const refusals = joined.map((one) => ("refused" in one ? one.refused : "joined"));
  t.regex(
    refusals[0] ?? "",
    /^cannot join Member lab\/c1: link c1\/eth0 exists[^;]*bridge[^;]*; rename it, or remove it$/u,
  );
  t.is(refusals[1], "cannot join Member lab/c9: there is no namespace c9; `ip netns` lists those that there are");
  t.regex(refusals[2] ?? "", /^cannot join Member lab\/ndemo: namespace ndemo is that of NetworkResource demo;/u);
  t.is(refusals[3], "joined");
  t.regex(await sandbox.ip("-n c1 -d link show eth0"), /bridge/u);
  // Of those that were refused nothing is left, here or in the file.
  t.is((await sandbox.ip("-o link show master l-lab")).trim().split("\n").length, 1);
  t.notRegex(await readFile(join(sandbox.dir, "root/allocations/lab.yaml"), "utf8"), /c1|c9/u);
});
