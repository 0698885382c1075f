import { scenario } from "../harness/scenario.ts";
import { ADDRESS, EVERY, grown, pair, ping, quieten } from "./link-pair.ts";

scenario(
  "a blackhole: nothing arrives, and no guest can tell by its card",
  { group: "smoke", topology: pair() },
  async ({ t, lab, node, step }) => {
    await quieten(lab);
    const carrier = async (name: string): Promise<string> =>
      (await node(name).run(["cat", "/sys/class/net/eth0/carrier"])).trim();

    await step("the link swallows every frame in both directions, and both guests keep their carrier", async () => {
      const [near, far] = [lab.link("n1.eth0"), lab.link("n2.eth0")];
      const before = { near: await near.counters(), far: await far.counters() };
      await lab.setLink("n1.eth0", { blackhole: true });
      t.like(await ping(node("n1"), ADDRESS.n2, 10), { sent: 10, received: 0 });
      t.like(await ping(node("n2"), ADDRESS.n1, 10), { sent: 10, received: 0 });
      t.deepEqual([await carrier("n1"), await carrier("n2")], ["1", "1"]);
      const after = { near: await near.counters(), far: await far.counters() };
      t.like(grown(before.near.fromGuest, after.near.fromGuest), { offered: 10, blackholed: 10, delivered: 0 });
      t.like(grown(before.near.toGuest, after.near.toGuest), { offered: 10, blackholed: 10, delivered: 0 });
      t.is(grown(before.far.toGuest, after.far.toGuest).offered, 0);
    });

    await step("one direction of it: the other one still hears", async () => {
      const before = await lab.link("n2.eth0").counters();
      await lab.setLink("n1.eth0", {});
      await lab.setLink("n1.eth0", { blackhole: true, direction: "to-guest" });
      t.is((await ping(node("n1"), ADDRESS.n2, 5)).received, 0);
      const after = await lab.link("n2.eth0").counters();
      t.is(grown(before.fromGuest, after.fromGuest).delivered, 5);
    });

    await step("it is gone as it came", async () => {
      await lab.setLink("n1.eth0", {});
      t.is((await ping(node("n1"), ADDRESS.n2, 10, EVERY)).received, 10);
    });
  },
);
