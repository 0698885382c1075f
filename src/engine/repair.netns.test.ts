/** Level-triggered: whatever someone undoes by hand is done again, without a word to the daemon. */
import test from "ava";
import { lan, node, resource } from "../testing/builders.ts";
import { lookAtLinks } from "../testing/look-at-links.ts";
import { TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

interface Damage {
  readonly title: string;
  /** Words of the damage, run in the node's own namespace. */
  readonly by: string;
  /** The output of this has to become what it was. */
  readonly seen: string;
}

const DAMAGES: readonly Damage[] = [
  { title: "a deleted bridge", by: "ip link del rdemo", seen: "ip -o link show rdemo" },
  {
    title: "a deleted veth end inside the namespace",
    by: "ip -n ndemo link del private",
    seen: "ip -n ndemo -o -4 address show private",
  },
  {
    title: "a flushed ruleset",
    by: "ip netns exec ndemo nft flush ruleset",
    seen: "ip netns exec ndemo nft list ruleset",
  },
  {
    title: "a rule that was taken out of our table",
    by: "ip netns exec ndemo nft flush chain inet netloom forward",
    seen: "ip netns exec ndemo nft list ruleset",
  },
  { title: "a removed address", by: "ip address del 10.5.0.1/24 dev l-lab", seen: "ip -o -4 address show l-lab" },
  {
    title: "a link set down",
    by: "ip -n ndemo link set private down",
    seen: "ip -n ndemo -o -4 address show private up",
  },
  {
    title: "a port taken out of its bridge",
    by: "ip link set dev l-lab-port nomaster",
    seen: "ip -o link show master l-lab",
  },
  { title: "a deleted namespace", by: "ip netns del ndemo", seen: "ip -n ndemo -o -4 address show private" },
];

/** Indices change when a link is made anew; which they are is nobody's business. */
const stable = (text: string): string =>
  text.replaceAll(/^\d+: |@if\d+|if\d+|link-netns(?:id)? \S+/gmu, "").replaceAll(/ +/gu, " ");

test("what someone undoes by hand is repaired, whatever it is", async (t) => {
  const under = await TestNode.start(t, {
    prepare: async ({ sandbox }) => {
      await sandbox.ip("link add l-lab-port type veth peer name l-lab-far");
      await sandbox.ip("link set l-lab-far up");
    },
  });
  const none = node({ uplink: { mode: "none", ignore: [] } });
  const text = yaml(none, lan("lab", { cidr: "10.5.0.0/24", nics: ["l-lab-port"] }), resource("demo"));
  t.like(await under.apply(text), { code: 0, err: "" });
  for (const { title, by, seen } of DAMAGES) {
    const look = async (): Promise<string> => {
      const { code, out } = await under.sandbox.run(seen.split(" "));
      return code === 0 ? stable(out) : "";
    };
    const whole = stable(await lookAtLinks(under.sandbox, seen));
    t.not(whole, "", title);
    await under.sandbox.output(by.split(" "));
    await under.sandbox.until(`${title} to be repaired`, async () => ((await look()) === whole ? true : undefined));
    t.deepEqual(await under.apply(text), { code: 0, out: "no changes\n", err: "" }, title);
  }
});

test("a burst of changes costs a few passes, not one for each", async (t) => {
  const under = await TestNode.start(t);
  await under.apply(yaml(resource("demo")));
  const total = async (): Promise<number> => (await under.client.status()).reconciles.total;
  const before = await total();
  const batch = Array.from({ length: 200 }, (_unused, n) => `address add 192.0.2.${n + 1}/32 dev rdemo\n`).join("");
  t.is((await under.sandbox.run(["ip", "-batch", "-"], { input: batch })).code, 0);
  await under.sandbox.until("a pass", async () => ((await total()) > before ? true : undefined));
  // Queued behind every pass that the burst asked for.
  t.deepEqual(await under.apply(yaml(resource("demo"))), { code: 0, out: "no changes\n", err: "" });
  t.true((await total()) - before < 100);
});
