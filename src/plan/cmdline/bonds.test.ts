import test from "ava";
import { BOND_MODES, BOND_OPTIONS, bondOptions, type BondOption } from "../bond-options.ts";
import { parseCommandLine } from "./parse-command-line.ts";

/** A value that the option takes, as the command line has it. */
function sample(option: BondOption): string {
  const { values } = option;
  if ("words" in values) return values.words.at(-1) ?? "";
  if (option.name.endsWith("delay")) return "100";
  if ("from" in values) return String(values.from + 1);
  return {
    "addresses 4": "10.0.0.1;10.0.0.2",
    "addresses 6": "[fd00::1];[fd00::2]",
    mac: "52:54:00:00:00:01",
    port: "eth1",
  }[values.text];
}

/** What else has to be said for the option to make sense. */
const COMPANIONS: Readonly<Record<string, string>> = { arp_interval: ",arp_ip_target=10.0.0.9" };

for (const option of BOND_OPTIONS)
  test(`${option.name} is taken in the modes that have it, and refused in the others`, (t) => {
    for (const mode of BOND_MODES) {
      const text = `bond=bond0:eth0,eth1:mode=${mode},${option.name}=${sample(option)}${COMPANIONS[option.name] ?? ""}`;
      const { flags, rejected } = parseCommandLine(text);
      if (option.modes?.includes(mode) === false) {
        t.regex(rejected[0]?.reason ?? "", new RegExp(`^${option.name} does nothing in mode ${mode}, but in `, "u"));
        continue;
      }
      t.deepEqual(rejected, [], text);
      const [bond] = flags.bonds;
      const compiled = bondOptions(bond?.mode ?? "", bond?.options ?? {});
      t.is(compiled.mode, mode);
      t.not(compiled[option.key], undefined);
    }
  });

test("values are words or their numbers, and a mistyped one is named with the nearest", (t) => {
  const read = (options: string): unknown => {
    const { flags, rejected } = parseCommandLine(`bond=bond0:eth0,eth1:${options}`);
    return rejected[0] ?? bondOptions(flags.bonds[0]?.mode ?? "", flags.bonds[0]?.options ?? {});
  };
  t.deepEqual(read("mode=4,lacp_rate=1,xmit_hash_policy=1"), {
    mode: "802.3ad",
    lacpRate: "fast",
    xmitHashPolicy: "layer3+4",
  });
  t.like(read("mode=4,lacp_rate=fats"), { hint: "bond=bond0:eth0,eth1:mode=4,lacp_rate=fast" });
  t.like(read("mode=4,lacp_rat=fast"), { hint: "bond=bond0:eth0,eth1:mode=4,lacp_rate=fast" });
  t.like(read("num_grat_arp=256"), {
    reason: "num_grat_arp 256 is not from 0 to 255",
    hint: "bond=bond0:eth0,eth1:num_grat_arp=255",
  });
  t.like(read("mode=1,primary=eth7"), { reason: "'eth7' is no member (eth0, eth1)" });
  t.like(read("miimon=100,arp_interval=100,arp_ip_target=10.0.0.1"), {
    reason: "arp_interval and miimon exclude each other",
  });
  t.like(read("arp_interval=100"), { reason: "arp_interval asks nobody without arp_ip_target or ns_ip6_target" });
  t.like(read("miimon=50,updelay=120,mode=1"), {
    reason: "updelay 120 is no multiple of miimon 50",
    hint: "bond=bond0:eth0,eth1:miimon=50,updelay=150,mode=1",
  });
  t.like(read("miimon=0,updelay=100"), { reason: "updelay is counted in steps of miimon, which is off" });
  t.like(read(`arp_ip_target=${Array.from({ length: 17 }, (_unused, at) => `10.0.0.${at + 1}`).join(";")}`), {
    reason: "names 17 targets, and a bond has room for 16",
  });
});

test("links of the command line do not take each other's names or parts, and none stands on itself", (t) => {
  const reasons = (text: string): readonly string[] => parseCommandLine(text).rejected.map(({ reason }) => reason);
  t.deepEqual(reasons("bond=b0:eth0 bridge=b0:eth1"), ["b0 is made by 'bond=b0:eth0' already"]);
  t.deepEqual(reasons("bond=b0:eth0 bridge=br0:eth0"), ["eth0 is a member in 'bond=b0:eth0' already"]);
  t.deepEqual(reasons("vlan=eth0.5:eth0 bond=eth0:eth0.5"), ["eth0 would stand on itself"]);
  t.deepEqual(reasons("bridge=zos:eth0"), ["zos is the name of a link that Netloom makes itself"]);
  t.deepEqual(reasons("bond=b0:eth0 bond=b0:eth0"), [], "a word that stands there twice makes one link");
  t.deepEqual(reasons("ifname=a:52:54:00:00:00:01 ifname=b:52:54:00:00:00:01"), [
    "52:54:00:00:00:01 is called a already",
  ]);
});
