import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { runClientCommand } from "./run.ts";

const NICS = { nics: [{ name: "eth0", mac: "52:54:00:00:00:01", carrier: true }] };

async function run(
  words: readonly string[],
  facts: unknown = NICS,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const dir = await mkdtemp(join(tmpdir(), "netloom-"));
  try {
    const file = join(dir, "facts.json");
    await writeFile(file, JSON.stringify(facts));
    let [out, err] = ["", ""];
    const argv = ["boot-plan", ...words.map((word) => (word === "FACTS" ? file : word))];
    // There is no such daemon: nobody may be asked.
    const code = await runClientCommand(
      argv,
      { NETLOOM_SOCKET: join(dir, "none") },
      { out: (text) => (out += text), err: (text) => (err += text) },
    );
    return { code, out, err: err.replaceAll(file, "FACTS") };
  } finally {
    await rm(dir, { recursive: true });
  }
}

test("a plan is printed without a daemon, a thing a line", async (t) => {
  const { code, out, err } = await run(["--cmdline", "ip=dhcp netloom.mtu=70000", "--facts", "FACTS"]);
  t.is(code, 0);
  t.is(err, "");
  const lines = out.split("\n");
  t.deepEqual(lines.slice(0, 3), [
    "flag      every candidate: dhcp4",
    "rejected  netloom.mtu=70000: MTU 70000 is not from 1280 to 65535; did you mean netloom.mtu=65535?",
    "nic       eth0 52:54:00:00:00:01 chosen: has carrier, its network was not probed, first NIC with all that is asked for",
  ]);
  t.true(lines.includes("step      ip link set eth0 master zos up"));
});

test("what was said is told in the words of the pages, not in those of the program", async (t) => {
  const line = "nameserver=8.8.8.8 vlan:priv=7 vlan:pub=none netloom.probe-timeout=5 bootdev=eth0 netloom.ignore=eth9";
  const { out } = await run(["--cmdline", line, "--facts", "FACTS"]);
  t.deepEqual(
    out.split("\n").filter((text) => text.startsWith("flag")),
    [
      "flag      no address is configured: zero configuration decides",
      "flag      VLAN of the uplink 7",
      "flag      VLAN of the public side untagged",
      "flag      name servers 8.8.8.8",
      "flag      ignored eth9",
      "flag      probe timeout 5",
      "flag      preferred NIC eth0",
    ],
  );
});

test("the same as JSON, with the members that scripts rely on", async (t) => {
  const { out } = await run(["--json", "--cmdline", "", "--facts", "FACTS"]);
  t.deepEqual(Object.keys(JSON.parse(out) as object), ["parsed", "rejected", "decision", "steps"]);
});

test("what is missing is a matter of usage, facts that cannot be taken are refused with what is wrong", async (t) => {
  t.like(await run(["--cmdline", "ip=dhcp"]), { code: 2 });
  t.like(await run(["--cmdline", "ip=dhcp", "--facts", "FACTS", "--jsn"]), { code: 2 });
  const refused = await run(["--cmdline", "", "--facts", "FACTS"], { nics: [{ name: "eth0" }] });
  t.is(refused.code, 1);
  t.regex(
    refused.err,
    /cannot read the facts FACTS: nics\.0\.mac is missing; nics\.0\.carrier is missing; `netloom status --facts` prints/u,
  );
  t.like(await run(["--cmdline", "", "--facts", "/nowhere/facts.json"]), { code: 1 });
});
