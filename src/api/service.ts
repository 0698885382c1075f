import { hostname } from "node:os";
import * as v from "valibot";
import { stringify } from "yaml";
import type { Engine } from "../engine/engine.ts";
import type { NodeState } from "../engine/node-state.ts";
import type { SelfStatus } from "../engine/self-status.ts";
import { describeError } from "../lib/errors.ts";
import { KINDS, type Document } from "../model/document.ts";
import { Name } from "../model/fields.ts";
import type { GuardReport } from "../model/guard.ts";
import type { ChangeReport, Status } from "../model/report.ts";
import type { SupervisorFacts } from "../model/supervisor.ts";
import { peerStatus } from "./peer-status.ts";

const Kind = v.picklist(KINDS, `is none of ${KINDS.join(", ")}`);
/** No longer than the end of the daemon may be held up. */
const Seconds = v.pipe(v.string("needs ?seconds="), v.toNumber(), v.minValue(0), v.maxValue(4));
const Files = v.strictObject({ files: v.array(v.strictObject({ name: v.string(), text: v.string() })) });
const Change = v.strictObject({ ...Files.entries, confirm: v.exactOptional(v.boolean()) });

/** Input of each operation; what does not fit is refused before anything is done. */
export const REQUESTS: {
  readonly files: v.GenericSchema<
    unknown,
    { readonly files: readonly { readonly name: string; readonly text: string }[] }
  >;
  readonly change: v.GenericSchema<
    unknown,
    { readonly files: readonly { readonly name: string; readonly text: string }[]; readonly confirm?: boolean }
  >;
  readonly kind: v.GenericSchema<unknown, Document["kind"]>;
  readonly name: v.GenericSchema<unknown, string>;
  readonly seconds: v.GenericSchema<unknown, number>;
} = { files: Files, change: Change, kind: Kind, name: Name, seconds: Seconds };

export interface ServiceOptions {
  readonly engine: Engine;
  readonly state: NodeState;
  readonly version: string;
  readonly supervisor: () => SupervisorFacts;
  /** What went wrong at start and is not retried by a pass: damaged files, rejected words. */
  readonly problems: () => readonly string[];
  readonly self: () => Promise<SelfStatus>;
}

/** The operations of the daemon, once and free of any transport. */
export class Service {
  readonly #options: ServiceOptions;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  plan(input: unknown): Promise<ChangeReport> {
    return this.#options.engine.plan(v.parse(REQUESTS.files, input).files);
  }

  apply(input: unknown): Promise<ChangeReport> {
    const { files, confirm = false } = v.parse(REQUESTS.change, input);
    return this.#options.engine.apply(files, { confirm });
  }

  delete(kind: unknown, name: unknown, confirm: boolean = false): Promise<ChangeReport> {
    return this.#options.engine.delete(v.parse(REQUESTS.kind, kind), v.parse(REQUESTS.name, name), { confirm });
  }

  /** Keeps the change that waits for its connectivity check; `guard` is null when none does. */
  async confirm(): Promise<{ readonly guard: GuardReport | null }> {
    return { guard: await this.#options.engine.confirm() };
  }

  /** Documents that `apply` accepts; private keys are left out, which means "the node's own". */
  documents(): readonly Document[] {
    return this.#options.engine.documents.map(({ document }) => document);
  }

  /** The same as a YAML text. */
  documentsYaml(): string {
    return this.documents()
      .map((document) => stringify(document))
      .join("---\n");
  }

  async key(name: unknown): Promise<{ readonly publicKey: string }> {
    return { publicKey: await this.#options.engine.publicKey(v.parse(REQUESTS.name, name)) };
  }

  /** Waits until the node is online, for some seconds at most: who wants to wait for longer asks again. */
  async waitOnline(seconds: unknown): Promise<{ readonly online: boolean; readonly why: string }> {
    const { engine, state } = this.#options;
    const late = AbortSignal.timeout(Math.ceil(v.parse(REQUESTS.seconds, seconds) * 1000));
    while (!state.online && !late.aborted) await engine.nextPass(late).catch(() => undefined);
    return { online: state.online, why: state.online ? "" : await this.#offlineText() };
  }

  async status(): Promise<Status> {
    const { engine, state, version, problems, self } = this.#options;
    // At one moment, so that it is from one pass; and before all that is waited for, so that who finds here that a pass did something
    // also finds what it did: a service that was started meanwhile would be missing beside the report that says so.
    const { compiled, report, total, changed, problems: found } = engine.view;
    const { online, onlineAt, onlineChecks, decision, facts } = state;
    const { documents, fights, guard } = engine;
    const known = [...problems(), ...(compiled?.unmatched ?? [])];
    const supervisor = this.#options.supervisor();
    const unseen: string[] = [];
    const orProblem = <T>(what: string, seen: Promise<readonly T[]>): Promise<readonly T[]> =>
      seen.catch((error: unknown) => {
        unseen.push(`cannot see the ${what}: ${describeError(error)}`);
        return [];
      });
    // What cannot be seen must not hide the rest of the status.
    const [devices, processes, obstacles, { problems: unknown, ...own }] = await Promise.all([
      orProblem("WireGuard devices", engine.wireguard()),
      orProblem("services", engine.services()),
      engine.obstacles(),
      self(),
    ]);
    const uplink = compiled?.uplink ?? null;
    return {
      version,
      pid: process.pid,
      hostname: hostname(),
      online,
      onlineAt,
      ...(onlineChecks === null ? {} : { onlineChecks }),
      ...(compiled === null ? {} : { settings: compiled.settings }),
      uplink:
        uplink === null
          ? null
          : {
              nic: uplink.nic.name,
              link: uplink.link,
              address: uplink.addresses[0] ?? null,
              addresses: uplink.addresses,
              router: uplink.gateways[0] ?? null,
              gateways: uplink.gateways,
              server: uplink.nic.probe?.lease4?.server ?? null,
              expiresAt: uplink.nic.probe?.lease4?.expiresAt ?? null,
            },
      publicSide: compiled?.publicSide ?? null,
      decision,
      facts,
      ...own,
      documents: documents.map(({ document: { kind, name }, source }) => ({ kind, name, source })),
      supervisor: supervisor.kind,
      processes,
      peers: devices.flatMap((device) => peerStatus(device, own.clock)),
      waiting: compiled === null ? [] : state.waiting(compiled, devices),
      lastReconcile: report,
      fights,
      guard,
      reconciles: { total, changed },
      problems: [...known, ...supervisor.problems, ...found, ...unseen, ...unknown, ...obstacles],
    };
  }

  /** What is missing to be online, as far as it is known. */
  async #offlineText(): Promise<string> {
    const { onlineChecks, uplink, problems } = await this.status();
    if (onlineChecks === undefined) return uplink === null ? "no uplink has an address" : problems.join("; ");
    const failed = [onlineChecks.address, onlineChecks.route, onlineChecks.check].filter(
      (check) => check?.ok === false,
    );
    return failed.map((check) => check?.why ?? "").join("; ");
  }
}
