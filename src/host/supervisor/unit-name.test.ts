import test from "ava";
import fc from "fast-check";
import { unitName } from "./unit-name.ts";

test("every name becomes one that zinit takes, and different ones stay different", (t) => {
  t.is(unitName("dhcp-eth0.5"), "dhcp-eth0_2e5");
  t.is(unitName("dnsmasq-lab"), "dnsmasq-lab");
  const name = fc.string({ unit: fc.constantFrom("a", "_", "2", "e", ".", "-", "ü", "'"), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(name, name, (one, other) => {
      t.regex(unitName(one), /^[A-Za-z0-9_-]+$/u);
      t.is(unitName(one) === unitName(other), one === other);
    }),
  );
});
