import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { describeError, NetloomError } from "../lib/errors.ts";
import { rejectionText } from "../model/boot-flags.ts";
import { parseFactsFile, type FactsFile } from "../model/facts-file.ts";
import { bootPlan, type BootPlan, type ParsedFlags } from "../plan/boot-plan.ts";
import type { Output } from "./change.ts";
import { UsageError } from "./usage.ts";

/** `netloom boot-plan --cmdline STR --facts FILE [--json]`: what a node would make of a command line. It asks no daemon. */
export async function bootPlanCommand(words: readonly string[], output: Output): Promise<number> {
  const { cmdline, facts, json } = parse(words);
  const { unmatched, ...plan } = bootPlan(cmdline, await readFacts(facts));
  output.out(json ? `${JSON.stringify(plan, null, 2)}\n` : bootPlanText(plan, unmatched));
  return 0;
}

function parse(words: readonly string[]): { readonly cmdline: string; readonly facts: string; readonly json: boolean } {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        cmdline: { type: "string" },
        facts: { type: "string" },
        json: { type: "boolean", default: false },
      },
    });
    const { cmdline, facts, json } = values;
    if (cmdline === undefined || facts === undefined)
      throw new UsageError(
        'boot-plan needs a command line and facts: netloom boot-plan --cmdline "ip=dhcp" --facts FILE',
      );
    return { cmdline, facts, json };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(describeError(error));
  }
}

async function readFacts(path: string): Promise<FactsFile> {
  const refuse = (why: string, cause?: unknown): NetloomError =>
    new NetloomError({
      code: "invalid",
      op: "read the facts",
      target: path === "-" ? "standard input" : path,
      why,
      hint: "`netloom status --facts` prints a node's own",
      cause,
    });
  let content: string;
  try {
    content = path === "-" ? await text(process.stdin) : await readFile(path, "utf8");
  } catch (error) {
    throw refuse(describeError(error), error);
  }
  const facts = parseFactsFile(content);
  if ("issues" in facts) throw refuse(facts.issues.join("; "));
  return facts;
}

/** The plan for people: a line for each thing that was said, rejected, decided and would be done. */
export function bootPlanText({ parsed, rejected, decision, steps }: BootPlan, unmatched: readonly string[]): string {
  const lines = [
    ...flagLines(parsed).map((line) => `flag      ${line}`),
    ...rejected.map((word) => `rejected  ${rejectionText(word).replace(" rejected:", ":")}`),
    ...decision.map(
      ({ nic, mac, chosen, reasons }) =>
        `nic       ${nic} ${mac} ${chosen ? "chosen" : "not chosen"}: ${reasons.join(", ")}`,
    ),
    ...unmatched.map((sentence) => `problem   ${sentence}`),
    ...steps.map((step) => `step      ${step}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** What is said of a member that is not called as people call it; the others are. */
const WORDS: Readonly<Record<string, string>> = {
  nameservers: "name servers",
  peerDns: "name servers of leases",
  ntp: "time servers",
  hostname: "host name",
  mtu: "MTU",
  nics: "candidates",
  bootdev: "preferred NIC",
  bootif: "booted by",
  probeTimeout: "probe timeout",
  configs: "documents from",
  vlanPriv: "VLAN of the uplink",
  vlanPub: "VLAN of the public side",
  pubMac: "MAC of the public side",
};

function wordOf(key: string): string {
  return WORDS[key] ?? key;
}

function flagLines(parsed: ParsedFlags): readonly string[] {
  const { auto, interfaces, vlans, bonds, bridges, renames, routes, zos, ...others } = parsed;
  return [
    ...(auto ? ["no address is configured: zero configuration decides"] : []),
    ...Object.entries(interfaces).map(
      ([device, said]) => `${device === "*" ? "every candidate" : device}: ${interfaceText(said)}`,
    ),
    ...bonds.map(
      ({ name, mode, members, options, mtu }) =>
        `bond ${name} of ${members.join(", ")}: ${[mode, ...Object.entries({ ...options, ...(mtu === undefined ? {} : { mtu }) }).map(([key, value]) => `${key}=${value}`)].join(" ")}`,
    ),
    ...bridges.map(({ name, members }) => `bridge ${name} of ${members.join(", ")}`),
    ...vlans.map(({ name, parent, id }) => `vlan ${name} on ${parent}: ${id}`),
    ...renames.map(({ name, mac }) => `${mac} is called ${name}`),
    ...routes.map(
      ({ to, via, dev }) =>
        `route ${to}${via === undefined ? "" : ` via ${via}`}${dev === undefined ? "" : ` dev ${dev}`}`,
    ),
    ...Object.entries(zos).map(([key, value]) => `${wordOf(key)} ${value ?? "untagged"}`),
    ...Object.entries(others).flatMap(([key, value]) => {
      if (Array.isArray(value)) return value.length === 0 ? [] : [`${wordOf(key)} ${value.join(", ")}`];
      return value === undefined ? [] : [`${wordOf(key)} ${String(value)}`];
    }),
  ];
}

function interfaceText({ dhcp4, dhcp6, auto6, addresses, ...more }: ParsedFlags["interfaces"][string]): string {
  const ways = [dhcp4 ? "dhcp4" : "", dhcp6 ? "dhcp6" : "", auto6 ? "auto6" : "", ...addresses].filter(
    (way) => way !== "",
  );
  const others = Object.entries(more).map(([key, value]) => `${key} ${String(value)}`);
  return [ways.length === 0 ? "off" : ways.join(" "), ...others].join(", ");
}
