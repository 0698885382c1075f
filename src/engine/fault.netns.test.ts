/** The daemon is killed after every single step of a change: the next one brings the node to what was wished, and nothing is left. */
import test, { type ExecutionContext } from "ava";
import { CREATE, FaultRig, REMOVE, REVERT, SET_PUBLIC, UNSET_PUBLIC, UPDATE, type Wish } from "../testing/fault-rig.ts";
import { yaml } from "../testing/yaml.ts";

/** Each round starts two daemons; there are dozens, and machines are slow under load. */
const PATIENCE_MS = 900_000;

interface Change {
  readonly name: string;
  /** What the node has before. */
  readonly before: readonly Wish[];
  readonly change: readonly Wish[];
  /** Brings the node back to what it had. */
  readonly back: readonly Wish[];
  /** At least so many steps are in it, else the change is not what it was. */
  readonly steps: number;
}

const CHANGES: readonly Change[] = [
  { name: "creating everything", before: [], change: CREATE, back: REMOVE, steps: 30 },
  { name: "updating everything", before: CREATE, change: UPDATE, back: REVERT, steps: 7 },
  { name: "deleting everything", before: CREATE, change: REMOVE, back: CREATE, steps: 12 },
  // What tells the node from others is written down with the first public side, and stays.
  {
    name: "setting the public side",
    before: [...SET_PUBLIC, ...UNSET_PUBLIC],
    change: SET_PUBLIC,
    back: UNSET_PUBLIC,
    steps: 12,
  },
  { name: "unsetting the public side", before: SET_PUBLIC, change: UNSET_PUBLIC, back: SET_PUBLIC, steps: 3 },
];

for (const { name, before, change, back, steps } of CHANGES)
  test(`killed after any step of ${name}: the next daemon comes to the same state, and has nothing left to do`, async (t) => {
    t.timeout(PATIENCE_MS);
    const rig = await FaultRig.start(t);
    await all(rig, before);
    const start = await rig.lookAtRest();
    await all(rig, change);
    const end = await rig.lookAtRest();
    t.not(start, end);
    let survived = -1;
    for (let step = 0; survived < 0; step += 1) {
      await all(rig, back);
      t.is(await rig.lookFor(start), start, `before step ${step}`);
      await rig.restart(`kill:${step}`);
      const died = await rig.askAll(change);
      if (died === undefined) survived = step;
      else await finish(t, rig, change, died, step);
      t.is(await rig.lookFor(end), end, `killed after step ${step}`);
    }
    t.true(survived > steps, `it took ${survived} steps only`);
    t.log(`killed ${survived} times`);
  });

/** A sound daemon takes over: what was kept it finishes by itself, the rest is asked for again. */
async function finish(
  t: ExecutionContext,
  rig: FaultRig,
  change: readonly Wish[],
  died: number,
  step: number,
): Promise<void> {
  await rig.restart();
  await rig.converge();
  for (const wish of change.slice(died)) {
    if (wish.op === "apply") {
      const { code, out } = await rig.node.apply(yaml(...wish.documents));
      t.deepEqual({ code, out }, { code: 0, out: "no changes\n" }, `apply after step ${step}`);
    } else await asked(rig, wish, wish === change[died]);
  }
}

/** Asks again for what the dead daemon may have kept: then it is gone already, and a member is one already. */
async function asked(rig: FaultRig, wish: Wish, mayBeDone: boolean): Promise<void> {
  try {
    await rig.ask(wish);
  } catch (error) {
    if (!(mayBeDone && error instanceof Error && /there is no such/u.test(error.message))) throw error;
  }
}

async function all(rig: FaultRig, wishes: readonly Wish[]): Promise<void> {
  const died = await rig.askAll(wishes);
  if (died !== undefined) throw new Error(`the daemon died of ${JSON.stringify(wishes[died])}: ${rig.node.said()}`);
}
