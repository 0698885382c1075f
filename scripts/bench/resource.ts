import { resources } from "./documents.ts";
import { type Bench, milliseconds } from "./figure.ts";
import { alternately, spread } from "./pairs.ts";
import { ShellScript } from "./peers/script.ts";
import { RunningEngine } from "./running-engine.ts";

const ROUNDS = 40;
/** Between two rounds, for the pass that events of the peer's links bring on. */
const BETWEEN_MS = 60;

/** A network resource without WireGuard, applied to a running daemon; beside a shell script that does the same. */
export const resource: Bench = {
  name: "resource",
  inToolbox: true,
  runtime: "bun",
  measure: async () => {
    await using ours = await RunningEngine.open();
    await using script = await ShellScript.open();
    const document = (round: number): ReturnType<typeof resources> => resources(round, 1);
    const remove = async (round: number): Promise<void> => {
      for (const one of document(round)) await ours.delete(one);
    };
    const times = await alternately(ROUNDS, {
      ours: { prepare: () => ours.calm(BETWEEN_MS), work: (round) => ours.apply(...document(round)), clean: remove },
      script: { work: (round) => script.createResource(round), clean: (round) => script.deleteResource(round) },
    });
    ours.phases.reset();
    let spent = 0;
    for (let round = 100; round < 120; round += 1) {
      spent += await milliseconds(() => ours.apply(...document(round)));
      ours.phases.pause();
      await remove(round);
      await ours.calm(BETWEEN_MS);
      ours.phases.resume();
    }
    return [
      {
        name: "nr-create",
        ours: times.ours.p50,
        unit: "ms",
        bar: 15,
        peer: { name: "sh script", value: times.script.p50 },
        leastRatio: 10,
        note: spread(times.ours, times.script),
        profile: ours.phases.lines(spent, 20),
      },
    ];
  },
};
