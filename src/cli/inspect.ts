import { stringify } from "yaml";
import { NetloomError } from "../lib/errors.ts";
import { documentId, type Document } from "../model/document.ts";
import type { PublicSideState } from "../model/facts.ts";
import {
  formatFailure,
  type ClockStatus,
  type FightReport,
  type KeyStatus,
  type PeerStatus,
  type Status,
} from "../model/report.ts";
import type { Waiting } from "../model/waiting.ts";
import type { Client } from "../sdk/client.ts";
import { guardText, parseKind, type Output } from "./change.ts";
import { onlineLines, settingLines } from "./node-text.ts";
import { UsageError } from "./usage.ts";

/** `netloom show [KIND [NAME]]`: documents as YAML, or as JSON. */
export async function showCommand(
  client: Client,
  words: readonly string[],
  json: boolean,
  output: Output,
): Promise<number> {
  const [kindWord, name, ...rest] = words;
  if (rest.length > 0) throw new UsageError("show takes a kind and a name at most: netloom show Lan lab");
  const kind = kindWord === undefined ? undefined : parseKind(kindWord);
  const { documents } = await client.documents();
  const found = documents.filter(
    (document) => (kind === undefined || document.kind === kind) && (name === undefined || document.name === name),
  );
  if (kind !== undefined && name !== undefined && found.length === 0) {
    throw new NetloomError({
      code: "not-found",
      op: "show",
      target: documentId({ kind, name }),
      why: "there is no such document",
      hint: "`netloom show` lists them",
    });
  }
  output.out(
    json ? `${JSON.stringify(found, null, 2)}\n` : found.map((document: Document) => stringify(document)).join("---\n"),
  );
  return 0;
}

/** `netloom status`: for people, as JSON, or what the uplink was chosen by. */
export async function statusCommand(
  client: Client,
  words: readonly string[],
  form: "text" | "json" | "facts",
  output: Output,
): Promise<number> {
  if (words.length > 0) throw new UsageError(`status takes no words, and got ${words.join(" ")}`);
  const status = await client.status();
  const { facts, ...rest } = status;
  output.out(
    form === "text"
      ? statusText(status, Date.now() / 1000)
      : `${JSON.stringify(form === "facts" ? (facts ?? { nics: [] }) : rest, null, 2)}\n`,
  );
  return 0;
}

/** `netloom key RESOURCE` */
export async function keyCommand(client: Client, words: readonly string[], output: Output): Promise<number> {
  const [resource, ...rest] = words;
  if (resource === undefined || rest.length > 0)
    throw new UsageError("key needs the name of one network resource: netloom key demo");
  output.out(`${await client.publicKey(resource)}\n`);
  return 0;
}

/** A node's status in lines; `now` in Unix seconds. */
export function statusText(status: Status, now: number): string {
  const online = status.online
    ? `online${status.onlineAt === null ? "" : ` since ${status.onlineAt.toFixed(1)} s after kernel start`}`
    : "offline";
  const uplink =
    status.uplink === null
      ? "none"
      : `${status.uplink.nic} ${status.uplink.addresses.join(" ")}${status.uplink.gateways.length === 0 ? "" : ` via ${status.uplink.gateways.join(" ")}`}`;
  const lines = [
    `node      ${status.hostname}, netloom ${status.version}, ${online}`,
    `uplink    ${uplink}`,
    ...(status.onlineChecks === undefined ? [] : onlineLines(status.onlineChecks)),
    ...(status.publicSide === null ? [] : publicLines(status.publicSide)),
    ...status.decision.map(
      ({ nic, mac, chosen, reasons }) =>
        `nic       ${nic} ${mac} ${chosen ? "chosen" : "not chosen"}: ${reasons.join(", ")}`,
    ),
    ...(status.settings === undefined ? [] : settingLines(status.settings)),
    clockLine(status.clock),
    `state     ${status.state.kept}`,
    ...status.keys.map(keyLine),
    ...status.documents.map(({ kind, name, source }) => `document  ${kind} ${name} (${source})`),
    ...(status.supervisor === undefined || status.processes.length === 0
      ? []
      : [`services  kept by ${status.supervisor === "direct" ? "the daemon itself" : status.supervisor}`]),
    ...status.processes.map(({ name, up, pid }) => `service   ${name} ${up ? `up, pid ${pid ?? "?"}` : "down"}`),
    ...status.peers.map((peer) => peerLine(peer, now)),
    ...status.waiting.map(waitingLine),
    ...reconcileLines(status),
    ...status.fights.map(fightLine),
    ...(status.guard === null ? [] : [`change    ${guardText(status.guard)}`]),
    ...status.problems.map((problem) => `problem   ${problem}`),
  ];
  return `${lines.join("\n")}\n`;
}

function publicLines({
  mode,
  nic,
  port,
  vlan,
  addresses,
  gateways,
  waiting,
  note,
}: PublicSideState): readonly string[] {
  const by = nic === null ? "" : ` by ${nic}${vlan === null ? "" : ` VLAN ${vlan}`}${port === nic ? "" : ` (${port})`}`;
  const via = gateways.length === 0 ? "" : ` via ${gateways.join(" ")}`;
  const waits = waiting === null ? "" : `, waits: ${waiting}`;
  return [
    `public    ${mode} NIC${by} ${addresses.join(" ")}${via}${waits}`,
    ...(note === null ? [] : [`public    note: ${note}`]),
  ];
}

function clockLine({ synchronised, ours, source, since, waits, wentBack }: ClockStatus): string {
  const by = source.length === 0 ? "" : ` by ${source.join(", ")}`;
  const right = synchronised
    ? `synchronised${by}${since === null ? "" : ` since ${since.toFixed(1)} s after kernel start`}`
    : `not synchronised: ${ours ? (source.length === 0 ? "no time server is known" : `asking ${source.join(", ")}`) : "Netloom does not keep it here"}`;
  const waiting = waits === null ? "" : `; WireGuard waits for ${waits}`;
  const back = wentBack === 0 ? "" : `; it went back, and peers ignore this node for ${Math.round(wentBack)} s more`;
  return `clock     ${right}${waiting}${back}`;
}

function keyLine({ resource, publicKey, since }: KeyStatus): string {
  return `key       ${resource} ${publicKey} ${since === "boot" ? "made in this boot: others have to be told" : "as before the boot"}`;
}

function peerLine(
  { resource, publicKey, endpoint, lastHandshake, rxBytes, txBytes, note }: PeerStatus,
  now: number,
): string {
  const handshake =
    lastHandshake === 0 ? "no handshake yet" : `handshake ${Math.max(0, Math.round(now - lastHandshake))} s ago`;
  return `peer      ${resource} ${publicKey} ${endpoint ?? "(no endpoint)"} ${handshake}, received ${rxBytes} B, sent ${txBytes} B${note === undefined ? "" : `: ${note}`}`;
}

function waitingLine({ document, for: what, seconds, deadline, overdue }: Waiting): string {
  const time = overdue ? `for ${seconds} s, and expected it within ${deadline} s` : `for ${seconds} s`;
  return `${overdue ? "overdue " : "waiting "}  ${document} waits for ${what} ${time}`;
}

function fightLine({ objects: [first = "", ...others], times, by }: FightReport): string {
  const what = others.length === 0 ? first : `${first} and ${others.length} more (${others.join(", ")})`;
  return `stopped   ${what}: undone ${times} times, last by ${by}; left alone until the next \`netloom apply\``;
}

function reconcileLines({ lastReconcile, reconciles }: Status): readonly string[] {
  if (lastReconcile === null) return ["reconcile none yet"];
  const { outcome, steps, failures, unverified, milliseconds } = lastReconcile;
  return [
    `reconcile ${outcome}, ${steps.length} steps in ${milliseconds} ms (${reconciles.total} passes, ${reconciles.changed} with changes)`,
    ...failures.map((failure) => `failed    ${formatFailure(failure)}`),
    ...unverified.map((step) => `failed    not seen to hold: ${step}`),
  ];
}
