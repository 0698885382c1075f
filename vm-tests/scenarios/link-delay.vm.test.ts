import { scenario } from "../harness/scenario.ts";
import { ADDRESS, EVERY, pair, ping, quieten } from "./link-pair.ts";

const topology = pair({ delay: "200ms" });

scenario(
  "a link with a delay: round trips take it once for each crossing, jitter spreads them, and their order stays",
  { group: "full", topology },
  async ({ t, lab, node, step }) => {
    await quieten(lab);
    const fastest = async (): Promise<number> => Math.min(...(await ping(node("n1"), ADDRESS.n2, 5)).times);
    let without = Infinity;

    await step("the delay that the topology gives the other one's link, from the start", async () => {
      t.true((await fastest()) >= 399);
      await lab.setLink("n2.eth0", {});
      without = await fastest();
      return `round trips of ${without} ms without it`;
    });

    await step("200 ms one way", async () => {
      await lab.setLink("n1.eth0", { delay: "200ms", direction: "from-guest" });
      const oneWay = await fastest();
      // The guest's clock is a little coarser than ours.
      t.true(oneWay >= 199, `${oneWay} ms`);
      await lab.setLink("n1.eth0", { delay: "200ms" });
      const bothWays = await fastest();
      t.true(bothWays >= 399, `${bothWays} ms`);
      t.true(bothWays - oneWay > (oneWay - without) / 2, `${without}, ${oneWay}, ${bothWays} ms`);
      return `${oneWay} ms, and ${bothWays} ms with both ways`;
    });

    await step("a delay on each of two links adds up", async () => {
      await lab.setLink("n2.eth0", { delay: "200ms" });
      t.true((await fastest()) >= 799);
      await lab.setLink("n2.eth0", {});
    });

    await step("delay=200ms±150ms: spread, in order, and none lost", async () => {
      await lab.setLink("n1.eth0", { delay: "200ms", jitter: "150ms" });
      const { received, times } = await ping(node("n1"), ADDRESS.n2, 40, EVERY);
      t.is(received, 40);
      const [least, most] = [Math.min(...times), Math.max(...times)];
      t.true(least >= 99 && most - least > 100, `${least} to ${most} ms`);
      const { fromGuest, toGuest } = await lab.link("n1.eth0").counters();
      t.is(fromGuest.reordered + toGuest.reordered, 0);
      return `${least} to ${most} ms`;
    });

    await step("no delay again", async () => {
      await lab.setLink("n1.eth0", {});
      t.true((await fastest()) < 199);
    });
  },
);
