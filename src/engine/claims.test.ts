import test from "ava";
import { BRIDGE_PORTS_MAX } from "../model/limits.ts";
import { lan } from "../testing/builders.ts";
import { Claims } from "./claims.ts";

test("a LAN takes as many members as its bridge has ports left, and the next is refused by number", (t) => {
  const wide = lan("lab", { cidr: "10.5.0.0/16", nics: ["eth1"] });
  const claims = new Claims([]);
  const join = (n: number): void => claims.add(claims.draft(wide, { name: `c${n}`, netns: `c${n}`, nic: "eth0" }));
  for (let n = 1; n < BRIDGE_PORTS_MAX; n += 1) join(n);
  t.throws(() => join(BRIDGE_PORTS_MAX), {
    message:
      /^cannot join \S* ?lab\/c1023: the bridge of Lan lab has 1023 ports, and the kernel allows 1023; divide its members/u,
  });
});
