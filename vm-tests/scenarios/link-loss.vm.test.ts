import { type ImpairmentModel, impairmentModel, linkRandom, perfect } from "../harness/impairment.ts";
import type { Direction } from "../harness/pcapng-write.ts";
import { scenario } from "../harness/scenario.ts";
import { ADDRESS, EVERY, grown, pair, ping, pingUntil, quieten } from "./link-pair.ts";

/** The pings that are answered over n1's link after its first setting to a loss of 30 %: nothing but the seed decides. */
function foretold(seed: number, count: number): readonly number[] {
  const model = (direction: Direction): ImpairmentModel => {
    return impairmentModel({ ...perfect, loss: 0.3 }, linkRandom(seed, "n1.eth0", direction, 1));
  };
  const [there, back] = [model("from-guest"), model("to-guest")];
  return Array.from({ length: count }, (_, seq) => seq).filter(
    (seq) => there(98, seq).end === "arrives" && back(98, seq).end === "arrives",
  );
}

scenario(
  "a link that loses frames: the switch counts each ping that is not answered, and the seed tells which",
  { group: "smoke", topology: pair() },
  async ({ t, lab, node, step }) => {
    const link = lab.link("n1.eth0");
    await quieten(lab);

    await step("a perfect link loses nothing", async () => {
      t.like(await ping(node("n1"), ADDRESS.n2, 20, EVERY), { sent: 20, received: 20 });
    });

    await step("loss=30% in both directions", async () => {
      const before = await link.counters();
      await lab.setLink("n1.eth0", { loss: "30%" });
      const { sent, received, answered } = await pingUntil(node("n1"), ADDRESS.n2, 100, async (asked, answers) => {
        const now = await link.counters();
        const requests = grown(before.fromGuest, now.fromGuest);
        const lost = requests.lost + grown(before.toGuest, now.toGuest).lost;
        return requests.offered === asked && lost + answers === asked;
      });
      t.deepEqual(answered, foretold(lab.seed, 100));
      t.notDeepEqual(answered, foretold(lab.seed + 1, 100));
      const after = await link.counters();
      const there = grown(before.fromGuest, after.fromGuest);
      const back = grown(before.toGuest, after.toGuest);
      t.is(sent, 100);
      t.is(there.offered, 100);
      t.is(back.offered, 100 - there.lost);
      t.is(there.lost + back.lost, 100 - received);
      // Both directions lose, and neither loses half: 30 of 100, and then of 70.
      t.true(there.lost > 10 && there.lost < 50, `${there.lost} requests lost`);
      t.true(back.lost > 5 && back.lost < 40, `${back.lost} answers lost`);
      return `${there.lost} requests and ${back.lost} answers of 100 pings`;
    });

    await step("loss=100% to the guest: the other one gets every request, this one no answer", async () => {
      const before = await lab.link("n2.eth0").counters();
      await lab.setLink("n1.eth0", { loss: "100%", direction: "to-guest" });
      await lab.setLink("n1.eth0", { direction: "from-guest" });
      t.is((await ping(node("n1"), ADDRESS.n2, 10)).received, 0);
      const after = await lab.link("n2.eth0").counters();
      t.is(grown(before.toGuest, after.toGuest).delivered, 10);
    });

    await step("a perfect link again", async () => {
      await lab.setLink("n1.eth0", {});
      t.like(await ping(node("n1"), ADDRESS.n2, 20, EVERY), { sent: 20, received: 20 });
    });
  },
);
