import test from "ava";
import fc from "fast-check";
import { checkValue } from "../../src/lib/schema-check.ts";
import { type LinkProperties, LinkPropertiesSchema, linkContradictions } from "./link-properties.ts";
import { formatLinkProperties, parseLinkWords } from "./link-words.ts";

function parse(line: string): LinkProperties | readonly string[] {
  const result = parseLinkWords(line.split(" "));
  return "properties" in result ? result.properties : result.issues;
}

function refusal(line: string): string {
  const result = parseLinkWords(line.split(" ").filter((word) => word !== ""));
  return "issues" in result ? result.issues.join("\n") : "";
}

test("reads every word of the command line", (t) => {
  t.deepEqual(parse("down"), { carrier: "down" });
  t.deepEqual(parse("up"), { carrier: "up" });
  t.deepEqual(parse("blackhole"), { blackhole: true });
  t.deepEqual(parse("clear"), {});
  t.deepEqual(parse("clear direction=to-guest"), { direction: "to-guest" });
  t.deepEqual(parse("loss=5% rate=10Mbit"), { loss: "5%", rate: "10mbit" });
  for (const word of ["delay=50ms±10", "delay=50ms±10ms", "delay=50ms+-10ms", "delay=50ms+/-10", "delay=50MS±10"]) {
    t.deepEqual(parse(word), { delay: "50ms", jitter: "10ms" }, word);
  }
  t.deepEqual(parse("delay=1s reorder=25% duplicate=0.5% corrupt=1% direction=from-guest"), {
    delay: "1s",
    reorder: "25%",
    duplicate: "0.5%",
    corrupt: "1%",
    direction: "from-guest",
  });
});

test("names the word, the reason and the nearest key, all issues at once", (t) => {
  t.deepEqual(parse("los=5%"), ['"los=5%": is no link property, did you mean loss?']);
  t.deepEqual(parse("blackhol"), ['"blackhol": is no link property, did you mean blackhole?']);
  t.deepEqual(parse("delay"), ['"delay": delay needs a value, such as delay=50ms±10ms']);
  t.deepEqual(parse("loss=101% delay=50"), [
    '"loss=101%": loss is no share from 0% to 100%, such as "5%"',
    '"delay=50": delay is no time with its unit (us, ms, s), such as "50ms"',
  ]);
  const refused: Readonly<Record<string, RegExp>> = {
    "loss=5": /loss is no share/u,
    "loss=-1%": /loss is no share/u,
    "delay=2h": /delay is no time/u,
    "delay=61s": /longer than 60s/u,
    "delay=50ms±60": /jitter 60ms is more than the delay of 50ms/u,
    "delay=50ms±1±2": /one jitter at most/u,
    "jitter=10ms": /jitter needs a delay/u,
    "reorder=5%": /reorder needs a delay/u,
    "rate=10mbps": /without "ps"/u,
    "rate=0mbit": /"rate=0mbit": rate is no rate of 1kbit or more/u,
    "rate=fast": /rate is no rate/u,
    "blackhole=maybe": /neither true nor false/u,
    "carrier=sideways": /neither "up" nor "down"/u,
    "direction=up": /direction is none of from-guest, to-guest, both/u,
    "down direction=to-guest": /carrier is that of the whole cable/u,
    "loss=1% loss=2%": /"loss=2%": loss is set already by "loss=1%"/u,
    "clear loss=1%": /"clear": takes everything away/u,
    xyzzyplugh: /is no link property \(known: up, down, blackhole, clear, carrier=down, loss=5%/u,
  };
  for (const [line, pattern] of Object.entries(refused)) t.regex(refusal(line), pattern, line);
  t.regex(refusal(""), /no property was named: known: up, down/u);
});

test("YAML has the same keys and the same reasons", (t) => {
  t.deepEqual(checkValue(LinkPropertiesSchema, { delay: "50ms", jitter: "10ms", blackhole: true, carrier: "down" }), {
    output: { delay: "50ms", jitter: "10ms", blackhole: true, carrier: "down" },
  });
  const wrong = checkValue(LinkPropertiesSchema, { loss: 5, delay: "50ms±10", delai: "5ms" });
  t.like(wrong, {
    issues: [
      { path: ["loss"], message: "is no text with a unit, such as 5%, 50ms or 10mbit: quote it" },
      { path: ["delay"], message: "holds one time: the variation has a key of its own, jitter" },
      { path: ["delai"], message: "is not a known key" },
    ],
  });
});

const numbers = fc.integer({ min: 0, max: 10_000 }).map((hundredths) => hundredths / 100);
const share = numbers.map((number) => `${number}%` as const);
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const anyProperties: fc.Arbitrary<LinkProperties> = fc
  .record({
    carrier: optional(fc.constantFrom("up", "down")),
    blackhole: optional(fc.boolean()),
    loss: optional(share),
    corrupt: optional(share),
    duplicate: optional(share),
    delay: optional(fc.tuple(numbers, fc.constantFrom("us", "ms")).map(([n, unit]) => `${n}${unit}` as const)),
    jitter: optional(numbers.map((n) => `${n}us` as const)),
    reorder: optional(share),
    rate: optional(
      fc
        .tuple(fc.integer({ min: 1, max: 999 }), fc.constantFrom("kbit", "mbit", "gbit"))
        .map(([n, unit]) => `${n}${unit}` as const),
    ),
    direction: optional(fc.constantFrom("both", "from-guest", "to-guest")),
  })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as LinkProperties)
  .filter((properties) => linkContradictions(properties).length === 0);

test("what it formats reads back as the same", (t) => {
  t.is(formatLinkProperties({}), "clear");
  t.is(formatLinkProperties({ carrier: "down" }), "down");
  t.is(formatLinkProperties({ loss: "5%", delay: "50ms", jitter: "10ms" }), "loss=5% delay=50ms±10ms");
  fc.assert(
    fc.property(anyProperties, (properties) => t.deepEqual(parse(formatLinkProperties(properties)), properties)),
  );
});
