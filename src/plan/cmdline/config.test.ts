import test from "ava";
import { parseCommandLine } from "./parse-command-line.ts";

const SHA = "a".repeat(64);

test("words of all kinds are found wherever they stand, and others are nobody's business", (t) => {
  const cmdline = `BOOT_IMAGE=x netloom.config=inline:YQ== ro\nnetloom.config=fw_cfg:opt/netloom/config\tnetloom.config=https://[fd00::1]:8443/a?b=c#sha256=${SHA} config=inline:YQ\n`;
  const {
    flags: { configs },
    rejected,
  } = parseCommandLine(cmdline);
  t.deepEqual(rejected, []);
  t.deepEqual(
    configs.map(({ word: _word, ...rest }) => rest),
    [
      { type: "inline", base64: "YQ==" },
      { type: "fw_cfg", name: "opt/netloom/config" },
      { type: "url", url: "https://[fd00::1]:8443/a?b=c", proof: { type: "sha256", digest: SHA } },
    ],
  );
});

test("a digest may be written in capitals, as some programs print it", (t) => {
  const { flags } = parseCommandLine(`netloom.config=http://h/x#sha256=${"A".repeat(64)}`);
  t.like(flags.configs[0], { proof: { type: "sha256", digest: SHA } });
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
  [`http://h/x#sha256=${"g".repeat(64)}`, /append #sha256=HEX/u],
  [`http:///#sha256=${SHA}`, /is not a URL/u],
  [`file:///etc/shadow#sha256=${SHA}`, /begins with none of/u],
  ["", /begins with none of/u],
];

for (const [value, reason] of REJECTED) {
  test(`rejected with a reason: '${value.slice(0, 30)}'`, (t) => {
    const {
      flags: { configs },
      rejected,
    } = parseCommandLine(`quiet netloom.config=${value} netloom.config=inline:YQ`);
    t.is(configs.length, 1, "the other word holds");
    t.is(rejected.length, 1);
    t.regex(rejected[0]?.reason ?? "", reason);
  });
}
