import test from "ava";
import fc from "fast-check";
import { facts, nic } from "../../testing/builders.ts";
import { applySteps, emptyKernel, physicalNic } from "../../testing/memory-kernel.ts";
import { bootPlan } from "../boot-plan.ts";
import { compile } from "../compile.ts";
import { diff } from "../diff/index.ts";
import { explain } from "../explain.ts";
import { KEYS } from "./keys.ts";
import { parseCommandLine } from "./parse-command-line.ts";
import { shorten } from "./refusal.ts";
import { splitWords } from "./split.ts";
import { anyText } from "../../testing/any-text.ts";

/** As many as the issue asks for. */
const LINES = 100_000;
/** Lines that are made from one number of fast-check's, which is slow where a small generator is not. */
const BATCH = 100;

const VALUES = [
  "__proto__:dhcp",
  "constructor",
  "b0:__proto__,constructor",
  "dhcp",
  "dhcp,dhcp6",
  "off",
  "any",
  "eth0",
  "eth0:dhcp",
  "eth0:auto6:1500:52:54:00:12:34:56",
  "192.168.1.5",
  "192.168.1.5::192.168.1.1:255.255.255.0:n1:eth0:none:8.8.8.8:1.1.1.1:pool.example",
  "[2001:db8::5/64]::[fe80::1]:::eth1:off",
  "10.0.0.0/8:10.1.1.1:eth0",
  "[2001:db8::]/32:[2001:db8::1]",
  "eth0.5:eth0",
  "vlan0007:eth0",
  "eth0.4095:eth0",
  "br0:eth0,eth1",
  "bond0:eth0,eth1:mode=active-backup,miimon=100,primary=eth0:1500",
  "bond0:eth2:mode=4,ad_actor_system=52:54:00:00:00:02",
  "b1:eth3,eth4:arp_interval=100,arp_ip_target=10.0.0.1;10.0.0.2",
  "lan0:52:54:00:12:34:56",
  "01-52-54-00-12-34-56",
  "4094",
  "none",
  "swap",
  "1400",
  "n1.example",
  "speed:>=1000",
  "driver:virtio*",
  "pci:0000:00:03.0",
  "inline:YQ==",
  "fw_cfg:opt/x",
  `http://h/x#sha256=${"a".repeat(64)}`,
  "0",
  "20",
  "s6",
  "",
  ":",
  "::::::",
  "[",
  "]",
  "=",
  ",",
  '"',
  "\u{1F600}",
  "\uD800",
  "--",
  "%d",
];
const NEARLY = [
  "netlom.nic",
  "netloom.",
  "netloom",
  "namserver",
  "vlan:prv",
  "ipp",
  "quiet",
  "ro",
  "ipv6.disable",
  "__proto__",
  "constructor",
];
const ALL_KEYS = [...Object.keys(KEYS), ...NEARLY];
const PIECES = [...Array.from(':[],;.=-"/ *0159afeth'), "::", "eth", "\u00A0", "\t", "é"];

/** xorshift32: the same numbers from the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed === 0 ? 1 : seed | 0;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** A line of words of which most are nearly right: a key, and a value that may be another key's and may be damaged. */
function line(below: (limit: number) => number): string {
  const pick = (from: readonly string[]): string => from[below(from.length)] ?? "";
  const word = (): string => {
    let value = pick(VALUES);
    for (let damage = below(4) - 1; damage > 0; damage -= 1) {
      const at = below(value.length + 1);
      value = `${value.slice(0, at)}${pick(PIECES)}${value.slice(at + below(3))}`;
    }
    return below(20) === 0 ? pick(ALL_KEYS) : `${pick(ALL_KEYS)}=${value}`;
  };
  return Array.from({ length: 1 + below(5) }, word).join(" ");
}

test(`${LINES} command lines: none makes it throw, and each word of ours is taken or rejected by name`, (t) => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const below = numbers(seed);
      for (let count = 0; count < BATCH; count += 1) {
        const text = line(below);
        const { flags, rejected } = parseCommandLine(text);
        const ours = splitWords(text).filter(({ key }) => Object.hasOwn(KEYS, key) && key !== "netloom.shell");
        const taken = new Set([
          ...Object.values(flags.words)
            .flat()
            .map((word) => shorten(word, 200)),
          ...rejected.map(({ word }) => word),
        ]);
        const lost = ours.find((word) => !taken.has(shorten(word.text, word.key === "netloom.config" ? 60 : 200)));
        if (lost !== undefined)
          throw new Error(`${lost.text} is neither taken nor rejected in ${JSON.stringify(text)}`);
        for (const { reason, hint } of rejected)
          if (reason === "" || hint === "") throw new Error(`no reason in ${JSON.stringify(text)}`);
      }
    }),
    { numRuns: LINES / BATCH, includeErrorInReport: true },
  );
  t.pass();
});

test("whatever a line says, it compiles to steps, and after them nothing is left to do", (t) => {
  const nics = ["eth0", "eth1", "eth2"].map((name, at) => nic(name, { mac: `52:54:00:00:00:0${at + 1}` }));
  const kernel = { ...emptyKernel(), link: nics.map(({ name }, at) => physicalNic(name, at + 2)) };
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const below = numbers(seed);
      const text = Array.from({ length: 4 }, () => line(below)).join(" ");
      const { flags } = parseCommandLine(text);
      bootPlan(text, { nics });
      // A NIC that waits for its name is waited for.
      const { target } = compile([], facts({ nics, flags: { ...flags, renames: [] } }));
      const after = applySteps(kernel, diff(kernel, target).steps);
      const again = diff(after, target).steps.map(explain);
      if (again.length > 0) throw new Error(`${JSON.stringify(text)} leaves ${again.join("; ")}`);
    }),
    { numRuns: 150, includeErrorInReport: true },
  );
  t.pass();
});

test("any text at all is read without a throw", (t) => {
  const text = fc.oneof(
    anyText,
    fc.array(fc.oneof(fc.string(), fc.constantFrom(...ALL_KEYS))).map((parts) => parts.join("=")),
  );
  fc.assert(
    fc.property(text, (cmdline) => {
      parseCommandLine(cmdline);
    }),
    { numRuns: 200, includeErrorInReport: true },
  );
  t.pass();
});

test("what a hint says is accepted", (t) => {
  let hints = 0;
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const below = numbers(seed);
      for (let count = 0; count < BATCH; count += 1)
        for (const { word, hint } of parseCommandLine(line(below)).rejected) {
          // What is too long to be shown whole is cut.
          if (hint === undefined || hint.includes("…")) continue;
          hints += 1;
          const [again] = parseCommandLine(hint).rejected;
          if (again !== undefined)
            throw new Error(`${word} is said to mean ${hint}, which is rejected: ${again.reason}`);
        }
    }),
    { numRuns: 50, includeErrorInReport: true },
  );
  t.true(hints > 100, `${hints} of them`);
});
