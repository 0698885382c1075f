import { scenario } from "../harness/scenario.ts";
import { ADDRESS, EVERY, grown, pair, ping, quieten } from "./link-pair.ts";

scenario(
  "a noisy link: guests see duplicates, refuse corrupted packets, and take reordered ones",
  { group: "full", topology: pair() },
  async ({ t, lab, node, step }) => {
    await quieten(lab);
    const link = lab.link("n1.eth0");

    await step("duplicate=100% from the guest: each request twice, so each answer twice", async () => {
      await lab.setLink("n1.eth0", { duplicate: "100%", direction: "from-guest" });
      const { received, duplicates } = await ping(node("n1"), ADDRESS.n2, 10, EVERY);
      // The last duplicate may come after ping has left.
      t.is(received, 10);
      t.true(duplicates >= 9, `${duplicates}`);
      t.is((await link.counters()).fromGuest.duplicated, 10);
    });

    await step("corrupt=100% from the guest: the other one gets all and answers none", async () => {
      const before = { near: await link.counters(), far: await lab.link("n2.eth0").counters() };
      await lab.setLink("n1.eth0", { corrupt: "100%", direction: "from-guest" });
      const { sent, received } = await ping(node("n1"), ADDRESS.n2, 20);
      const after = { near: await link.counters(), far: await lab.link("n2.eth0").counters() };
      t.deepEqual([sent, received], [20, 0]);
      t.is(grown(before.near.fromGuest, after.near.fromGuest).corrupted, 20);
      t.is(grown(before.far.toGuest, after.far.toGuest).delivered, 20);
    });

    await step("reorder=50% with a delay: some overtake, all arrive", async () => {
      await lab.setLink("n1.eth0", { delay: "300ms", reorder: "50%", direction: "from-guest" });
      const before = await link.counters();
      const { received, times } = await ping(node("n1"), ADDRESS.n2, 30, EVERY);
      const { reordered, offered } = grown(before.fromGuest, (await link.counters()).fromGuest);
      t.is(received, 30);
      t.is(offered, 30);
      t.true(reordered > 0 && reordered < 30, `${reordered}`);
      t.true(times.some((time) => time >= 299) && times.some((time) => time < 299));
      return `${reordered} of ${offered} overtook`;
    });
  },
);
