import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { CaptureFile } from "./capture-file.ts";

// In the tier of the toolbox because tcpdump is there for certain.
test("tcpdump reads our captures: frames, times and both directions", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "netloom-tcpdump-"));
  const file = join(directory, "n1.eth0.pcapng");
  {
    await using capture = await CaptureFile.open(file, "n1.eth0");
    const request = Buffer.from(
      "ffffffffffff52540000000108060001080006040001525400000001c0000201000000000000c0000202",
      "hex",
    );
    const answer = Buffer.from(
      "52540000000152540000000208004500001d0000400040110000c0000202c00002010035003500090000ff",
      "hex",
    );
    capture.add(request, 0, request.length, "from-guest", 1_800_000_000_123_456);
    capture.add(answer, 0, answer.length, "to-guest", 1_800_000_001_000_000);
  }
  const { status, stdout, stderr } = spawnSync("tcpdump", ["-n", "-tt", "-r", file], { encoding: "utf8" });
  await rm(directory, { recursive: true });
  t.is(status, 0, stderr);
  t.regex(stdout, /^1800000000\.123456 ARP, Request who-has 192\.0\.2\.2 tell 192\.0\.2\.1/);
  t.regex(stdout, /\n1800000001\.000000 IP 192\.0\.2\.2\.53 > 192\.0\.2\.1\.53/);
});
