import * as v from "valibot";
import type { FailedStep, Host } from "../host/host.ts";
import type { Queue } from "../lib/async.ts";
import { errorCode, describeError, isGone, NetloomError } from "../lib/errors.ts";
import { checkValue, issueText } from "../lib/schema-check.ts";
import { NOTHING_SEEN } from "../model/actual.ts";
import type { LanDocument } from "../model/document.ts";
import { LinkName, MemberName, Name, NetnsName } from "../model/fields.ts";
import { HOST, type Target } from "../model/kernel.ts";
import { memberId, type Member } from "../model/member.ts";
import type { Report } from "../model/report.ts";
import type { Step } from "../model/step.ts";
import { seenIn } from "../plan/diff/part.ts";
import { diffUnits, indexActual, type ActualIndex } from "../plan/diff/units.ts";
import { explain } from "../plan/explain.ts";
import { compileMember } from "../plan/member.ts";
import type { Allocations } from "./allocations.ts";
import { Claims, type Applicant } from "./claims.ts";

export interface JoinRequest extends Partial<Applicant> {
  readonly lan: string;
  /** Name of a namespace under /run/netns, which stays the caller's. */
  readonly netns: string;
}

export interface Joined {
  readonly member: Member;
  readonly report: Report;
}

/** Each of these becomes a file, a link or a place that a link is made in. */
const Request = v.strictObject({ lan: Name, name: MemberName, netns: NetnsName, nic: LinkName });

/** What the members have to know of the rest of the node. */
export interface Neighbourhood {
  /** A LAN that holds. */
  readonly lan: (name: string) => LanDocument | undefined;
  /** The document that a namespace of ours belongs to. */
  readonly ownerOf: (netns: string) => string | undefined;
}

interface MembersOptions {
  readonly host: Host;
  readonly allocations: Allocations;
  readonly passes: Queue;
  readonly neighbourhood: Neighbourhood;
}

/** One request, from when it is made to its answer. */
interface Waiting {
  readonly id: string;
  readonly prepare: () => Change;
  readonly answer: PromiseWithResolvers<Joined>;
}

interface Change {
  readonly member: Member;
  readonly before: Target;
  readonly after: Target;
  /** New members are made as if nothing was there: the kernel refuses a name that is taken. */
  readonly fresh: boolean;
}

/** What a container expects its interface to be called. */
const NIC = "eth0";

/** How many members a message lists. */
const MOST_NAMED = 5;

/** Nothing seen, nothing there. */
const EMPTY: ActualIndex = indexActual(NOTHING_SEEN);

/**
 * Members come and go without a look at the whole node. Requests that wait for each other are served together: one batch for
 * all joins, one group for all links that go, one file a LAN. The pass that their events bring on looks after them.
 */
export class Members {
  readonly #options: MembersOptions;
  readonly #claims: Claims;
  readonly #waiting: Waiting[] = [];
  /** True while a turn is asked for. */
  #lined = false;

  constructor(options: MembersOptions) {
    this.#options = options;
    this.#claims = new Claims(options.allocations.all());
  }

  /** Plugs a namespace into a LAN. One that is a member already gets what it has, mended where it was damaged. */
  join(request: JoinRequest): Promise<Joined> {
    const { lan, netns, name = netns, nic = NIC } = request;
    const id = memberId({ lan, name });
    const checked = checkValue(Request, { lan, netns, name, nic });
    if ("output" in checked) return this.#enqueue(id, () => this.#joining(lan, { name, netns, nic }));
    const why = checked.issues.map((issue) => `${issue.path.join(".")} ${issueText(issue)}`).join("; ");
    return Promise.reject(new NetloomError({ code: "invalid", op: "join", target: id, why }));
  }

  /** Unplugs a member and frees what it had. */
  async leave(lan: string, name: string): Promise<Report> {
    const id = memberId({ lan, name });
    const { report } = await this.#enqueue(id, () => {
      const member = this.#options.allocations.find(lan, name);
      if (member === undefined)
        throw new NetloomError({ code: "not-found", op: "leave", target: id, why: "there is no such member" });
      return { member, before: compileMember({ name: lan }, member), after: [], fresh: false };
    });
    return report;
  }

  /** Throws when a LAN still has members: what they were given would lead nowhere. */
  refuseDelete(lan: string): void {
    const names = this.#options.allocations.all(lan).map(({ name }) => name);
    if (names.length === 0) return;
    const some = names.length > MOST_NAMED ? `${names.slice(0, MOST_NAMED).join(", ")}, …` : names.join(", ");
    throw new NetloomError({
      code: "refused",
      op: "delete",
      target: `Lan ${lan}`,
      why: `it has ${names.length} member${names.length === 1 ? "" : "s"}: ${some}`,
      hint: "let them leave first",
    });
  }

  /** Members whose namespace is there, and of the others what to say of them. */
  async present(): Promise<{ readonly members: readonly Member[]; readonly problems: readonly string[] }> {
    const all = this.#options.allocations.all();
    if (all.length === 0) return { members: [], problems: [] };
    const there = new Set(await this.#options.host.namespaces());
    return {
      members: all.filter(({ netns }) => there.has(netns)),
      problems: all.flatMap((member) =>
        there.has(member.netns)
          ? []
          : [`${memberId(member)}: its namespace ${member.netns} is gone; what it was given is kept until it leaves`],
      ),
    };
  }

  #enqueue(id: string, prepare: () => Change): Promise<Joined> {
    const answer = Promise.withResolvers<Joined>();
    this.#waiting.push({ id, prepare, answer });
    this.#line();
    return answer.promise;
  }

  #joining(lanName: string, applicant: Applicant): Change {
    const { allocations, neighbourhood } = this.#options;
    const id = memberId({ lan: lanName, name: applicant.name });
    const refuse = (code: string, why: string, hint: string): NetloomError =>
      new NetloomError({ code, op: "join", target: id, why, hint });
    const lan = neighbourhood.lan(lanName);
    if (lan === undefined) throw refuse("not-found", `there is no Lan ${lanName}`, "`netloom show Lan` lists them");
    const owner = neighbourhood.ownerOf(applicant.netns);
    if (owner !== undefined)
      throw refuse("refused", `namespace ${applicant.netns} is that of ${owner}`, "give it a namespace of its own");
    const known = allocations.find(lanName, applicant.name);
    if (known !== undefined) {
      if (known.netns !== applicant.netns || known.nic !== applicant.nic)
        throw refuse(
          "refused",
          `it is joined already, as ${known.nic} in namespace ${known.netns}`,
          "let it leave first, or give another name",
        );
      const target = compileMember(lan, known);
      return { member: known, before: target, after: target, fresh: false };
    }
    const member = this.#claims.draft(lan, applicant);
    this.#claims.add(member);
    return { member, before: [], after: compileMember(lan, member), fresh: true };
  }

  /** Lets those that wait be served. Whoever comes meanwhile queues up again, behind a pass that has been waiting. */
  #line(): void {
    if (this.#lined || this.#waiting.length === 0) return;
    this.#lined = true;
    void this.#options.passes.run(async () => {
      this.#lined = false;
      const batch = this.#take();
      this.#line();
      try {
        await this.#serve(batch);
      } catch (error) {
        // Whoever was answered already does not hear this.
        for (const { answer } of batch) answer.reject(error);
      }
    });
  }

  /** Those that wait, up to the second one about the same member: it has to see what became of the first. */
  #take(): readonly Waiting[] {
    const ids = new Set<string>();
    let count = 0;
    for (const { id } of this.#waiting) {
      if (ids.has(id)) break;
      ids.add(id);
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #serve(batch: readonly Waiting[]): Promise<void> {
    const changes = batch.flatMap(({ prepare, answer }) => {
      try {
        return [{ ...prepare(), answer }];
      } catch (error) {
        answer.reject(error);
        return [];
      }
    });
    if (changes.length > 0)
      await this.#make(changes).catch((error: unknown) => {
        for (const { member, fresh } of changes) if (fresh) this.#claims.remove(member);
        throw error;
      });
  }

  async #make(changes: readonly (Change & Pick<Waiting, "answer">)[]): Promise<void> {
    const started = performance.now();
    const { host, allocations } = this.#options;
    const known = changes.filter(({ fresh }) => !fresh);
    const index = known.length === 0 ? EMPTY : await this.#look(known);
    const plans = changes.map((change) => ({
      ...change,
      ...diffUnits(change.fresh ? EMPTY : index, change.before, change.after),
    }));
    const [joining, leaving] = [plans.filter(({ fresh }) => fresh), plans.filter(({ after }) => after.length === 0)];
    const kept = allocations
      .change(
        joining.map(({ member }) => member),
        leaving.map(({ member }) => member),
      )
      .then(
        () => undefined,
        (error: unknown) => error ?? new Error("not kept"),
      );
    const failed = failures(await host.execute(together(plans.flatMap(({ steps }) => steps))));
    const lost = await kept;
    const undone = joining.filter(({ steps }) => lost !== undefined || steps.some((step) => failed.has(step)));
    if (undone.length > 0) await this.#undo(undone, failed, lost === undefined);
    if (lost === undefined) for (const { member } of leaving) this.#claims.remove(member);
    const milliseconds = Math.round(performance.now() - started);
    for (const { answer, member, steps, foreign, fresh, after } of plans) {
      const broken = steps.find((step) => failed.has(step));
      if (lost !== undefined && (fresh || after.length === 0)) answer.reject(lost);
      else if (broken !== undefined && fresh) answer.reject(await this.#why(member, after, failed.get(broken)));
      else answer.resolve({ member, report: reportOf({ steps, foreign, failed, milliseconds }) });
    }
  }

  /** What is now where members are that were there before. */
  async #look(known: readonly Change[]): Promise<ActualIndex> {
    const places = new Set([HOST, ...known.map(({ member }) => member.netns)]);
    const target = known.flatMap(({ before }) => before);
    return indexActual(seenIn(await this.#options.host.observe(target, places), places));
  }

  /** Takes back what was made of members that could not be made whole. */
  async #undo(changes: readonly Change[], failed: ReadonlyMap<Step, Error>, wasKept: boolean): Promise<void> {
    const { host, allocations } = this.#options;
    const members = changes.map(({ member }) => member);
    // A link that could not be made is someone else's, or none.
    const refused = new Set([...failed.keys()].flatMap(({ op, args }) => (op === "link.add" ? [args.name] : [])));
    const made = members.filter(({ hostName }) => !refused.has(hostName));
    for (const member of members) this.#claims.remove(member);
    await host.execute(made.map(({ hostName }) => ({ op: "link.del", args: { netns: HOST, name: hostName } })));
    if (wasKept) await allocations.change([], members);
  }

  /** Why a new member could not be made, in words that help. */
  async #why(member: Member, wish: Target, error: Error | undefined): Promise<NetloomError> {
    const { host } = this.#options;
    const init = { op: "join", target: memberId(member), cause: error };
    if (isGone(error) && !(await host.namespaces()).includes(member.netns))
      return new NetloomError({
        ...init,
        code: "not-found",
        why: `there is no namespace ${member.netns}`,
        hint: "`ip netns` lists those that there are",
      });
    // The kernel says that a name is taken, and not by what.
    const taken = errorCode(error) === "EEXIST" ? await this.#foreign(member, wish) : [];
    return new NetloomError({
      ...init,
      code: taken.length > 0 ? "refused" : (errorCode(error) ?? "failed"),
      why: taken.length > 0 ? taken.join("; ") : describeError(error),
      ...(taken.length > 0 ? { hint: "rename it, or remove it" } : {}),
    });
  }

  async #foreign(member: Member, wish: Target): Promise<readonly string[]> {
    const places = new Set([HOST, member.netns]);
    const seen = await this.#options.host.observe(wish, places);
    return diffUnits(indexActual(seenIn(seen, places)), [], wish).foreign;
  }
}

/** Steps of members, which do not depend on each other: all that goes first, then all that is made, then what is on it. */
function together(steps: readonly Step[]): readonly Step[] {
  const rank = ({ op }: Step): number => (op === "link.del" ? 0 : op === "link.add" ? 1 : 2);
  return steps.toSorted((a, b) => rank(a) - rank(b));
}

function failures(failed: readonly FailedStep[]): ReadonlyMap<Step, Error> {
  return new Map(failed.map(({ step, error }) => [step, error]));
}

function reportOf({
  steps,
  foreign,
  failed,
  milliseconds,
}: {
  readonly steps: readonly Step[];
  readonly foreign: readonly string[];
  readonly failed: ReadonlyMap<Step, Error>;
  readonly milliseconds: number;
}): Report {
  const broken = steps.filter((step) => failed.has(step));
  const problems = [
    ...foreign.map((message) => ({ step: "refused", message: `${message}: rename it, or remove it` })),
    ...broken.map((step) => ({ step: explain(step), message: describeError(failed.get(step)) })),
  ];
  return {
    outcome: problems.length > 0 ? "failed" : steps.length === 0 ? "unchanged" : "changed",
    steps: steps.map(explain),
    failures: problems,
    unverified: [],
    milliseconds,
  };
}
