import test from "ava";
import fc from "fast-check";
import type { KernelObject } from "../model/kernel.ts";
import { mac } from "../testing/arbitraries.ts";
import { emptyKernel } from "../testing/memory-kernel.ts";
import { diff } from "./diff/index.ts";

const place = fc.constantFrom("", "a", "b");
const dev = fc.constantFrom("br0", "br1", "br2");
const parameter = (netns: string, name: string, key: string, value: string): KernelObject => ({
  kind: "sysctl",
  netns,
  dev: name,
  key: `net.ipv6.conf.${name}.${key}`,
  value,
});
const bridge = (netns: string, name: string): KernelObject => ({
  kind: "link",
  netns,
  name,
  type: "bridge",
  mac: mac(name.length),
});
const listens = fc
  .tuple(place, dev)
  .map(([netns, name]) => [bridge(netns, name), parameter(netns, name, "accept_ra", "2")]);
const forwards = fc
  .tuple(place, dev)
  .map(([netns, name]) => [bridge(netns, name), parameter(netns, name, "forwarding", "1")]);
const forwardsAll = fc
  .tuple(place, fc.constantFrom("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"))
  .map(([netns, key]): KernelObject[] => [{ kind: "sysctl", netns, key, value: "1" }]);

test("every link is told to heed router advertisements before anything in its namespace forwards", (t) => {
  const wish = fc.array(fc.oneof(listens, forwards, forwardsAll), { maxLength: 12 });
  fc.assert(
    fc.property(wish, (parts) => {
      const spaces: readonly KernelObject[] = ["a", "b"].map((name) => ({ kind: "netns", name }));
      const { steps } = diff(emptyKernel(), [...spaces, ...parts.flat()]);
      const places = (wanted: RegExp): readonly (readonly [netns: string, at: number])[] =>
        steps.flatMap(({ op, args }, at) => (op === "sysctl.set" && wanted.test(args.key) ? [[args.netns, at]] : []));
      for (const [netns, heeds] of places(/accept_ra$/u))
        for (const [other, at] of places(/forward(?:ing)?$/u)) t.true(netns !== other || heeds < at);
    }),
  );
});
