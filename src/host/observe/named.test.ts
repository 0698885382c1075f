import test from "ava";
import { physicalNic, seenRoute } from "../../testing/memory-kernel.ts";
import type { ActualAddress } from "../../model/actual.ts";
import type { Target } from "../../model/kernel.ts";
import { NOTHING, onlyNamed, type InNetns } from "./named.ts";

const netns = "box";
const [eth0, net1] = ["eth0", "net1"].map((name, index) => ({ ...physicalNic(name, index + 2), netns, owned: true }));
const address = (dev: string): ActualAddress => ({
  netns,
  dev,
  address: "10.0.0.2/24",
  validUntil: null,
  preferredUntil: null,
  owned: true,
});
const route = (dev: string, to: string): InNetns["route"][number] => ({
  ...seenRoute({ to, dev }),
  netns,
  owned: true,
});
const wish: Target = [
  { kind: "link", netns, name: "eth0", type: "veth", bornWith: { netns: "", name: "v0" } },
  { kind: "route", netns, to: "0.0.0.0/0", dev: "eth0" },
];

test("of a member's namespace only what the target names there is seen, since another daemon may have a link in it", (t) => {
  const seen = onlyNamed(
    {
      ...NOTHING,
      link: [eth0, net1].flatMap((link) => link ?? []),
      address: [address("eth0"), address("net1")],
      route: [route("eth0", "10.1.0.0/16"), route("net1", "10.2.0.0/16"), route("net1", "0.0.0.0/0")],
    },
    wish,
  );
  t.deepEqual(
    seen.link.map(({ name }) => name),
    ["eth0"],
  );
  t.deepEqual(seen.address, [address("eth0")]);
  // The other daemon's default route stands in the way of ours, so it has to be known, and not to be replaced.
  t.deepEqual(seen.route, [route("eth0", "10.1.0.0/16"), { ...route("net1", "0.0.0.0/0"), owned: false }]);
});
