import test from "ava";
import fc from "fast-check";
import {
  canonicalAddress,
  cidr,
  contains,
  findOverlaps,
  formatCidr,
  hostAt,
  networkOf,
  parseCidr,
  sizeOf,
  type Cidr,
} from "./ip.ts";

/** An address as its bits, so that the tests compute in another way than the code. */
type Bits = string;

const BITS = { 4: 32, 6: 128 } as const;

function textOf(family: 4 | 6, bits: Bits): string {
  const groups = bits.match(family === 4 ? /.{8}/gu : /.{16}/gu) ?? [];
  const parts = groups.map((group) => Number.parseInt(group, 2));
  return family === 4 ? parts.join(".") : (canonicalAddress(parts.map((part) => part.toString(16)).join(":")) ?? "");
}

const family = fc.constantFrom(4 as const, 6 as const);
const bitsOf = (size: number): fc.Arbitrary<Bits> =>
  fc.array(fc.constantFrom("0", "1"), { minLength: size, maxLength: size }).map((list) => list.join(""));

/** Any address with any prefix length; few leading bits differ, so that networks meet. */
const anyCidr: fc.Arbitrary<{ readonly family: 4 | 6; readonly bits: Bits; readonly value: Cidr }> = family.chain(
  (of) =>
    fc
      .record({ bits: bitsOf(BITS[of]), near: fc.boolean(), prefix: fc.integer({ min: 0, max: BITS[of] }) })
      .map(({ bits, near, prefix }) => {
        const shown = near ? "0".repeat(20) + bits.slice(20) : bits;
        return { family: of, bits: shown, value: { family: of, address: textOf(of, shown), prefix } };
      }),
);

const naiveContains = (outer: { family: number; bits: Bits; value: Cidr }, inner: typeof outer): boolean =>
  outer.family === inner.family &&
  outer.value.prefix <= inner.value.prefix &&
  inner.bits.startsWith(outer.bits.slice(0, outer.value.prefix));

test("text and value are the same thing", (t) => {
  fc.assert(fc.property(anyCidr, ({ value }) => t.deepEqual(parseCidr(formatCidr(value)), value)));
});

test("the network of an address has its host bits cleared", (t) => {
  fc.assert(
    fc.property(anyCidr, ({ family: of, bits, value }) => {
      const cleared = bits.slice(0, value.prefix).padEnd(BITS[of], "0");
      t.deepEqual(networkOf(value), { ...value, address: textOf(of, cleared) });
    }),
  );
});

test("a network holds what begins with its bits, and nothing else", (t) => {
  fc.assert(fc.property(anyCidr, anyCidr, (a, b) => t.is(contains(a.value, b.value), naiveContains(a, b))));
});

test("the n-th address is inside, and the one behind the last is not", (t) => {
  fc.assert(
    fc.property(anyCidr, fc.nat(), (one, n) => {
      const size = sizeOf(one.value);
      t.is(size, 2n ** BigInt(BITS[one.family] - one.value.prefix));
      const at = Number(BigInt(n) % size);
      const host = hostAt(one.value, at);
      t.is(host.prefix, one.value.prefix);
      t.true(contains(one.value, { ...host, prefix: BITS[one.family] }));
      t.is(hostAt(one.value, 0).address, networkOf(one.value).address);
    }),
  );
});

test("overlaps are found whenever two networks meet, and never else", (t) => {
  fc.assert(
    fc.property(fc.array(anyCidr, { maxLength: 8 }), (all) => {
      const entries = all.map(({ value, ...rest }, id) => ({
        id,
        ...rest,
        value,
        network: formatCidr(networkOf(value)),
      }));
      const meets = (a: (typeof entries)[number], b: (typeof entries)[number]): boolean =>
        naiveContains(a, b) || naiveContains(b, a);
      const pairs = findOverlaps(entries);
      for (const [a, b] of pairs) t.true(a.id !== b.id && meets(a, b));
      // Whoever meets another is in some pair: nobody who is concerned goes unnamed.
      const named = new Set(pairs.flat().map(({ id }) => id));
      for (const a of entries)
        t.is(
          named.has(a.id),
          entries.some((b) => a.id !== b.id && meets(a, b)),
        );
    }),
  );
});

test("a thousand networks are compared in one sweep", (t) => {
  const entries = Array.from({ length: 1000 }, (_unused, n) => ({ network: `10.${n >> 8}.${n & 255}.0/24` }));
  t.deepEqual(findOverlaps(entries), []);
  t.is(findOverlaps([...entries, { network: "10.0.0.0/8" }]).length, 1000);
});

test("what is no address is none, however the system's own parsers read it", (t) => {
  for (const text of [
    "",
    "1",
    "1.2.3",
    "01.2.3.4",
    "1.2.3.256",
    "0x7f.0.0.1",
    "1.2.3.4\n",
    " 1.2.3.4",
    "::g",
    "1:2",
    "::1%eth0",
    "[::1]",
    "1.2.3.4,5.6.7.8",
    ":::",
  ])
    t.is(canonicalAddress(text), undefined, JSON.stringify(text));
  for (const text of [
    "1.2.3.4",
    "1.2.3.4/33",
    "::/129",
    "1.2.3.4/",
    "1.2.3.4/-1",
    "1.2.3.4/08",
    "1.2.3.4/8/8",
    "1.2.3.4/8 ",
  ])
    t.is(parseCidr(text), undefined, text);
  t.is(canonicalAddress("FD00:0:0::0001"), "fd00::1");
  t.is(canonicalAddress("::ffff:1.2.3.4"), "::ffff:102:304");
  t.throws(() => cidr("nonsense"), { instanceOf: TypeError });
});
