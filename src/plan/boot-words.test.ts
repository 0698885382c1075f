import test from "ava";
import fc from "fast-check";
import { parseBootWords } from "./boot-words.ts";

const SHA = "a".repeat(64);

test("words of all kinds are found wherever they stand, and others are nobody's business", (t) => {
  const cmdline = `BOOT_IMAGE=x netloom.config=inline:YQ== ro\nnetloom.config=fw_cfg:opt/netloom/config\tnetloom.config=https://[fd00::1]:8443/a?b=c#sha256=${SHA} netloom.configs=x config=inline:YQ\n`;
  const { configs, rejected } = parseBootWords(cmdline);
  t.deepEqual(rejected, []);
  t.deepEqual(
    configs.map(({ word: _word, ...rest }) => rest),
    [
      { type: "inline", base64: "YQ==" },
      { type: "fw_cfg", name: "opt/netloom/config" },
      { type: "url", url: "https://[fd00::1]:8443/a?b=c", sha256: SHA },
    ],
  );
});

const REJECTED: readonly (readonly [string, RegExp])[] = [
  ["inline:", /is not base64/u],
  ["inline:a", /is not base64/u],
  ["inline:abcde", /is not base64/u],
  ["inline:YQ=", /is not base64/u],
  ["inline:YQ=Q", /is not base64/u],
  ["inline:a!b=", /is not base64/u],
  ["fw_cfg:", /is not the name of a file/u],
  ["fw_cfg:/etc/passwd", /is not the name of a file/u],
  ["fw_cfg:opt/../../x", /is not the name of a file/u],
  ["fw_cfg:opt//x", /is not the name of a file/u],
  ["http://h/x", /append #sha256=HEX/u],
  ["http://h/x#sha256=abc", /append #sha256=HEX/u],
  [`http://h/x#sha256=${"A".repeat(64)}`, /append #sha256=HEX/u],
  [`http:///#sha256=${SHA}`, /is not a URL/u],
  [`file:///etc/shadow#sha256=${SHA}`, /begins with none of/u],
  ["", /begins with none of/u],
];

for (const [value, reason] of REJECTED) {
  test(`rejected with a reason: '${value.slice(0, 30)}'`, (t) => {
    const { configs, rejected } = parseBootWords(`quiet netloom.config=${value} netloom.config=inline:YQ`);
    t.is(configs.length, 1, "the other word holds");
    t.is(rejected.length, 1);
    t.regex(rejected[0]?.reason ?? "", reason);
  });
}

test("no command line makes it throw, and each of its words is either taken or rejected", (t) => {
  const word = fc.oneof(
    fc.string(),
    fc.string().map((text) => `netloom.config=${text}`),
    fc.constantFrom("netloom.config=inline:", "netloom.config=http://"),
  );
  fc.assert(
    fc.property(fc.array(word), (words) => {
      const { configs, rejected } = parseBootWords(words.join(" "));
      const ours = words
        .join(" ")
        .split(/\s+/u)
        .filter((one) => one.startsWith("netloom.config="));
      t.is(configs.length + rejected.length, ours.length);
      for (const { word: shown } of rejected) t.true(shown.length < 80);
    }),
  );
});
