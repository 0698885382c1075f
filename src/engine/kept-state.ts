import * as v from "valibot";
import type { NicDecision } from "../model/facts.ts";
import type { FactsFile } from "../model/facts-file.ts";
import type { ClockMemory } from "../plan/clock.ts";
import type { ChoiceMemory } from "../plan/uplink.ts";
import type { Answers } from "./probes.ts";

/** What `node.json` keeps. */
export interface KeptState {
  /** Of this boot, or of the one before. */
  readonly uplink: string | null;
  /** What the next choice has to know; of this boot, as all below. */
  readonly choice: ChoiceMemory;
  /** What networks answered last, by NIC. */
  readonly answers: Readonly<Record<string, Answers>>;
  readonly onlineAt: number | null;
  readonly bootId: string;
  readonly decision: readonly NicDecision[];
  /** What it was made from. */
  readonly facts: FactsFile;
  /** What became of the time. */
  readonly clock: ClockMemory;
}

/** Nothing is chosen and nobody was asked. */
export const NO_CHOICE: ChoiceMemory = { uplink: null, uplinkLost: null, since: {}, over: {}, placed: {}, beside: [] };

const Check = v.looseObject({ name: v.string(), passed: v.boolean(), detail: v.string() });
const optional = <T extends v.GenericSchema>(schema: T): v.ExactOptionalSchema<T, undefined> => v.exactOptional(schema);

/** As far as a pass relies on it: a daemon of another version must not be ended by what this one wrote, nor this by that. */
const Schema = v.looseObject({
  bootId: v.string(),
  uplink: v.optional(v.nullable(v.string()), null),
  choice: v.optional(
    v.looseObject({
      uplink: v.nullable(v.string()),
      uplinkLost: v.nullable(v.number()),
      since: v.record(v.string(), v.number()),
      over: v.optional(v.record(v.string(), v.number()), {}),
      placed: v.optional(v.record(v.string(), v.string()), {}),
      beside: v.optional(v.array(v.string()), []),
    }),
    { ...NO_CHOICE },
  ),
  answers: v.optional(
    v.record(
      v.string(),
      v.looseObject({
        gateway4: optional(Check),
        gateway6: optional(Check),
        checks: optional(v.array(Check)),
        answeredAt: optional(v.number()),
      }),
    ),
    {},
  ),
  onlineAt: v.optional(v.nullable(v.number()), null),
  decision: v.optional(
    v.array(
      v.looseObject({
        nic: v.string(),
        mac: v.string(),
        chosen: v.boolean(),
        reasons: v.array(v.string()),
        had: v.looseObject({}),
      }),
    ),
    [],
  ),
  facts: v.optional(v.looseObject({ nics: v.array(v.looseObject({ name: v.string() })) }), { nics: [] }),
  clock: v.optional(
    v.looseObject({ since: optional(v.number()), askedAt: optional(v.number()), passed: optional(v.boolean()) }),
    {},
  ),
});

/** The content of `node.json`; undefined when it is not what Netloom writes. */
export function parseKept(text: string | undefined): KeptState | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
  const checked = v.safeParse(Schema, value);
  return checked.success ? (checked.output as unknown as KeptState) : undefined;
}
