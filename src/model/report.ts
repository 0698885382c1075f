import type { Waiting } from "./waiting.ts";
import type { NicDecision, PublicSideState } from "./facts.ts";
import type { FactsFile } from "./facts-file.ts";
import type { GuardReport } from "./guard.ts";
import type { SupervisorKind } from "./supervisor.ts";
import type { NodeSettings } from "./settings.ts";

/** Something the user has to mend: one line, with file, line and key where it came from a file. */
export interface Issue {
  readonly file?: string;
  readonly line?: number;
  /** Dotted path of the key concerned: "wireguard.peers.0.publicKey". */
  readonly key?: string;
  /** Documents concerned, both owners of a conflict among them. */
  readonly documents: readonly string[];
  readonly message: string;
}

/** "file:line: key: message", as far as they are known. */
export function formatIssue(issue: Issue): string {
  const place = issue.file === undefined ? "" : `${issue.file}${issue.line === undefined ? "" : `:${issue.line}`}: `;
  const key = issue.key === undefined || issue.key === "" ? "" : `${issue.key} `;
  return `${place}${key}${issue.message}`;
}

/** A step that did not work. */
export interface StepFailure {
  readonly step: string;
  /** The object concerned, after the document that wants it where one does: "Lan lab: link l-lab". */
  readonly object?: string;
  readonly message: string;
}

/** Something of ours that somebody else keeps undoing, so that we leave it alone until the next change of documents. */
export interface FightReport {
  /** Objects that were undone together: "route 0.0.0.0/0 metric 1024". */
  readonly objects: readonly string[];
  readonly times: number;
  /** "ip (pid 4711)" */
  readonly by: string;
}

/** "step: message (object)". */
export function formatFailure({ step, message, object }: StepFailure): string {
  return `${step}: ${message}${object === undefined ? "" : ` (${object})`}`;
}

/** What a reconcile did. */
export interface Report {
  /** "unchanged": the kernel was as wished. "changed": it is now. "failed": something is not. */
  readonly outcome: "unchanged" | "changed" | "failed";
  /** The steps taken, one `ip`-like line each. */
  readonly steps: readonly string[];
  readonly failures: readonly StepFailure[];
  /** Steps that a second look at the kernel still found necessary. */
  readonly unverified: readonly string[];
  readonly milliseconds: number;
}

/** The answer to `plan` and `apply`. */
export interface ChangeReport extends Report {
  readonly issues: readonly Issue[];
  /** What is no failure and should be known: a firewall in the way, an uplink that is touched. */
  readonly warnings: readonly string[];
  /** Set when the change could have cut the node off: whether it holds, or was reverted. */
  readonly guard?: GuardReport;
}

export interface PeerStatus {
  readonly resource: string;
  readonly publicKey: string;
  readonly endpoint: string | null;
  readonly lastHandshake: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  /** What a reader should know: "sent, never answered: …". */
  readonly note?: string;
}

export interface UplinkStatus {
  readonly nic: string;
  /** The bridge above it, which has the addresses. */
  readonly link: string;
  /** The first of `addresses`. */
  readonly address: string | null;
  readonly addresses: readonly string[];
  /** The first of `gateways`. */
  readonly router: string | null;
  readonly gateways: readonly string[];
  /** The DHCPv4 server, and when its lease ends, in seconds since the kernel started. */
  readonly server: string | null;
  readonly expiresAt: number | null;
}

/** One part of being online. */
export interface OnlineCheck {
  readonly ok: boolean;
  /** What holds it up, or what it rests on: "eth0 has carrier and no lease", "192.168.50.1 by zos answers". */
  readonly why: string;
}

/** What being online is made of, each by itself. */
export interface OnlineChecks {
  readonly address: OnlineCheck;
  readonly route: OnlineCheck;
  /** The configured connectivity checks together; null when none is configured. */
  readonly check: OnlineCheck | null;
}

/** Whether dates can be relied on: WireGuard is silent towards peers when they went back. */
export interface ClockStatus {
  readonly synchronised: boolean;
  /** False on a machine with other programs: one of them has to keep it. */
  readonly ours: boolean;
  /** Time servers that are asked; empty when nobody said any. */
  readonly source: readonly string[];
  /** Seconds since the kernel started at which it was synchronised first. */
  readonly since: number | null;
  /** What WireGuard waits for before it starts; null when it does not wait. */
  readonly waits: string | null;
  /** Seconds by which the clock is behind what it showed before it was set back; 0 when it is not. */
  readonly wentBack: number;
}

/** Where state is kept: "on disk /dev/vda (label netloom)", "in memory". */
export interface StateStatus {
  readonly kept: string;
}

/** A key of this node's, of which others have to know the public half. */
export interface KeyStatus {
  readonly resource: string;
  readonly publicKey: string;
  /** `boot`: made since this boot, so that others have to be told. `disk`: it was there before. */
  readonly since: "boot" | "disk";
}

/** `netloom status --json`. */
export interface Status {
  readonly version: string;
  readonly pid: number;
  readonly hostname: string;
  readonly online: boolean;
  /** Seconds since the kernel started at which the node first came online. */
  readonly onlineAt: number | null;
  /** Why it is online, or why not. */
  readonly onlineChecks?: OnlineChecks;
  readonly uplink: UplinkStatus | null;
  /** The node's own addresses on the Internet; null when no document says that it has any. */
  readonly publicSide: PublicSideState | null;
  readonly decision: readonly NicDecision[];
  /** What that decision was made from: `netloom boot-plan --facts` makes it again. */
  readonly facts?: FactsFile;
  /** What holds for the node, each field with what set it. */
  readonly settings?: NodeSettings;
  readonly clock: ClockStatus;
  readonly state: StateStatus;
  readonly keys: readonly KeyStatus[];
  readonly documents: readonly { readonly kind: string; readonly name: string; readonly source: string }[];
  /** What keeps the processes alive. */
  readonly supervisor?: SupervisorKind;
  readonly processes: readonly { readonly name: string; readonly up: boolean; readonly pid: number | null }[];
  readonly peers: readonly PeerStatus[];
  /** What was set up and is not known to work yet. */
  readonly waiting: readonly Waiting[];
  readonly lastReconcile: Report | null;
  readonly fights: readonly FightReport[];
  /** The change that waits for its connectivity check, or the last one that could have cut the node off; null when there was none. */
  readonly guard: GuardReport | null;
  /** Reconciles since the daemon started, and how many of them changed something. */
  readonly reconciles: { readonly total: number; readonly changed: number };
  readonly problems: readonly string[];
}
