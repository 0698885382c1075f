import { Queue } from "../lib/async.ts";
import { readIfExists, writeFileAtomic } from "../lib/atomic-file.ts";
import type { RouterFact } from "../model/facts.ts";
import { HOST, OWNER } from "../model/kernel.ts";
import { routerSolicit } from "./addon.ts";
import type { RouterOption } from "./digest-types.ts";
import { netnsPath } from "./exec.ts";
import { domainNames, serverAddresses } from "./lease-report.ts";
import type { Tables } from "./netlink-types.ts";

/** What the kernel took from the router advertisements on a link. */
export interface RouterSight extends Pick<RouterFact, "managed" | "other" | "router" | "addresses"> {
  readonly index: number;
  /** How often the link and the NICs that are its ports got carrier: with another number it may be another network's link. */
  readonly epoch: number;
}

/** RTPROT_RA of rtnetlink(7). */
const ROUTE_OF_RA = 9;
/** IFAPROT_KERNEL_RA (include/uapi/linux/if_addr.h). */
const ADDRESS_OF_RA = 2;

/** The links of a namespace that heeded router advertisements, by name. Pure. */
export function routersOf({
  links,
  addresses,
  routes,
}: Pick<Tables, "links" | "addresses" | "routes">): ReadonlyMap<string, RouterSight> {
  const heeding = links.flatMap(({ index, name, router: flags, carrierUps = 0 }) => {
    if (flags === undefined) return [];
    const nics = links.filter(({ master, group }) => master === index && group !== OWNER.linkGroup);
    const epoch = nics.reduce((sum, nic) => sum + (nic.carrierUps ?? 0), carrierUps);
    const route = routes.find(
      (one) => one.to === "default" && one.family === 6 && one.protocol === ROUTE_OF_RA && one.index === index,
    );
    const made = addresses.filter(
      (one) => one.index === index && one.family === 6 && one.proto === ADDRESS_OF_RA && isUsable(one.flags),
    );
    const sight = {
      index,
      epoch,
      ...flags,
      ...(typeof route?.via === "string" ? { router: route.via } : {}),
      addresses: made.map(({ address }) => address),
    };
    return [[name, sight] as const];
  });
  return new Map(heeding);
}

/** Nobody else was found to have it, and new connections may be made from it. */
function isUsable(flags: readonly string[]): boolean {
  return !["tentative", "dadfailed", "deprecated"].some((flag) => flags.includes(flag));
}

/** Name servers or a search list that somebody advertised at a link. */
interface Advertised extends Pick<RouterOption, "type" | "values"> {
  readonly netns: string;
  readonly index: number;
  /** Seconds since the kernel started; null is for ever. */
  readonly until: number | null;
  /** Of the link when it was looked at last before this came; null when it was not. */
  readonly epoch: number | null;
}

/** MAX_RTR_SOLICITATIONS and RTR_SOLICITATION_INTERVAL of RFC 4861, section 10. */
const SOLICITATIONS = 3;
const SOLICITATION_INTERVAL_MS = 4000;
const FOR_EVER = 0xff_ff_ff_ff;

/** So many values of an option are kept for a link, whoever advertises more. */
const KEPT = 16;

/** Where there is no room for all, what ends first goes (RFC 8106, section 6), and of what ends together the newest. */
function longest(all: readonly Advertised[]): readonly Advertised[] {
  const end = ({ until }: Advertised): number => until ?? Number.MAX_SAFE_INTEGER;
  const ranked = all.toSorted((a, b) => end(b) - end(a));
  const room = new Map<Advertised, number>();
  let left = KEPT;
  for (const one of ranked) {
    room.set(one, Math.min(left, one.values.length));
    left -= Math.min(left, one.values.length);
  }
  return all.flatMap((one) => {
    const values = one.values.slice(0, room.get(one));
    return values.length === 0 ? [] : [{ ...one, values }];
  });
}

/**
 * What router advertisements say, with the name servers that the kernel passes on and does not keep: they are written down here, and
 * routers are asked again where we may have missed them, at our start and when a NIC got another cable.
 */
export class Routers {
  readonly #path: string;
  /** One after the other: of two side by side the older could come last. */
  readonly #writes = new Queue();
  #advertised: readonly Advertised[];
  /** Links whose routers we asked, with the epoch. */
  readonly #asked = new Map<string, number>();

  private constructor(path: string, advertised: readonly Advertised[]) {
    this.#path = path;
    this.#advertised = advertised;
  }

  /** `path` is a file that lasts as long as the kernel runs. A damaged one is as good as none: routers are asked anyway. */
  static async open(path: string): Promise<Routers> {
    return new Routers(path, parseAdvertised(await readIfExists(path)));
  }

  /** Notes what was advertised in a namespace at `now`; an option takes the place of the one before from the same link. */
  async note(netns: string, options: readonly RouterOption[], now: number): Promise<void> {
    let all = this.#advertised.filter(({ until }) => until === null || until > now);
    for (const { index, type, values, lifetime } of options) {
      const told = new Set(values);
      const others = (one: Advertised): boolean => one.netns !== netns || one.index !== index || one.type !== type;
      // Two routers of a link each have their own servers: only those that are named change.
      const left = all.map((one) =>
        others(one) ? one : { ...one, values: one.values.filter((value) => !told.has(value)) },
      );
      const until = lifetime === FOR_EVER ? null : now + lifetime;
      // Should the cable be another one meanwhile, it is dropped with the rest, and that cable's routers are asked.
      const epoch = this.#asked.get(`${netns}/${index}`) ?? null;
      const named = [...told].slice(0, KEPT);
      const added = lifetime === 0 ? [] : [{ netns, index, type, values: named, until, epoch }];
      const known = [...left.filter((one) => one.values.length > 0), ...added];
      all = [...known.filter(others), ...longest(known.filter((one) => !others(one)))];
    }
    await this.#keep(all);
  }

  /** Forgets a namespace that is removed: its name may come to stand for another one. */
  async forget(netns: string): Promise<void> {
    if (this.#advertised.some((one) => one.netns === netns))
      await this.#keep(this.#advertised.filter((one) => one.netns !== netns));
    for (const key of this.#asked.keys()) if (key.startsWith(`${netns}/`)) this.#asked.delete(key);
  }

  /** The fact about a link that was seen at `now`. What it is made of is written down by then, for a daemon that follows at any moment. */
  async fact(netns: string, dev: string, { index, epoch, ...seen }: RouterSight, now: number): Promise<RouterFact> {
    const here = (one: Advertised): boolean => one.netns === netns && one.index === index;
    if (this.#advertised.some((one) => here(one) && one.epoch !== epoch)) {
      const current = this.#advertised.filter((one) => !here(one) || one.epoch === null || one.epoch === epoch);
      await this.#keep(current.map((one) => (here(one) ? { ...one, epoch } : one)));
    }
    const key = `${netns}/${index}`;
    if (this.#asked.get(key) !== epoch) {
      this.#asked.set(key, epoch);
      await this.#ask(netns, dev, () => this.#asked.get(key) === epoch, SOLICITATIONS);
    }
    const valid = this.#advertised.filter((one) => here(one) && (one.until === null || one.until > now));
    const values = (wanted: RouterOption["type"]): readonly string[] =>
      valid.flatMap(({ type, values: all }) => (type === wanted ? all : []));
    const ends = valid.flatMap(({ until }) => until ?? []);
    await this.#writes.run(() => Promise.resolve());
    return {
      ...seen,
      dns: serverAddresses(6, values("dns")),
      search: domainNames(values("search")),
      ...(ends.length === 0 ? {} : { expiresAt: Math.min(...ends) }),
    };
  }

  /** Asks as often as a host does that has just come up, since the first time nobody may be there yet. */
  async #ask(netns: string, dev: string, matters: () => boolean, times: number): Promise<void> {
    // Without a link-local address the kernel is still asking by itself; a link that is gone has nobody to ask.
    await routerSolicit(netns === HOST ? null : netnsPath(netns), dev).catch(() => undefined);
    if (times <= 1) return;
    const again = (): void => void (matters() && this.#ask(netns, dev, matters, times - 1));
    setTimeout(again, SOLICITATION_INTERVAL_MS).unref();
  }

  async #keep(advertised: readonly Advertised[]): Promise<void> {
    this.#advertised = advertised;
    await this.#writes.run(() => writeFileAtomic(this.#path, `${JSON.stringify(this.#advertised)}\n`));
  }
}

/** What `Routers` wrote; anything else is nothing. */
function parseAdvertised(text: string | undefined): readonly Advertised[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) && value.every(isAdvertised) ? value : [];
  } catch {
    return [];
  }
}

function isAdvertised(value: unknown): value is Advertised {
  const one = value as Partial<Advertised> | null;
  const isTime = (time: unknown): boolean => time === null || typeof time === "number";
  return (
    typeof one?.netns === "string" &&
    typeof one.index === "number" &&
    (one.type === "dns" || one.type === "search") &&
    Array.isArray(one.values) &&
    one.values.every((word) => typeof word === "string") &&
    isTime(one.until) &&
    isTime(one.epoch)
  );
}
