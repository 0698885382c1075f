import { scenario } from "../harness/scenario.ts";
import { ADDRESS, EVERY, grown, pair, ping, quieten } from "./link-pair.ts";

scenario(
  "a pulled cable: the guest sees its carrier go and return, nothing passes meanwhile, and the other guest sees nothing",
  { group: "smoke", topology: pair() },
  async ({ t, lab, node, step }) => {
    await quieten(lab);
    const flags = async (name: string): Promise<string> => node(name).run(["ip", "link", "show", "dev", "eth0"]);
    // The kernel tells of it a moment after the link was set up.
    await node("n1").until("a carrier", async () => !(await flags("n1")).includes("NO-CARRIER") || undefined);
    await node("n2").until("a carrier", async () => !(await flags("n2")).includes("NO-CARRIER") || undefined);

    await step("down", async () => {
      const before = await lab.link("n1.eth0").counters();
      await lab.setLink("n1.eth0", { carrier: "down" });
      await node("n1").until("no carrier", async () => (await flags("n1")).includes("NO-CARRIER") || undefined);
      t.notRegex(await flags("n2"), /NO-CARRIER/u);
      t.is((await ping(node("n2"), ADDRESS.n1, 5)).received, 0);
      const { toGuest } = await lab.link("n1.eth0").counters();
      t.like(grown(before.toGuest, toGuest), { offered: 5, noCarrier: 5, delivered: 0 });
      t.deepEqual(lab.link("n1.eth0").properties, [{ carrier: "down" }]);
    });

    await step("down over a power cut", async () => {
      await node("n1").powerCut();
      await node("n1").boot();
      await node("n1").run(["ip", "link", "set", "eth0", "up"]);
      await node("n1").until("no carrier", async () => (await flags("n1")).includes("NO-CARRIER") || undefined);
    });

    await step("up", async () => {
      await lab.setLink("n1.eth0", { carrier: "up" });
      await node("n1").until("a carrier", async () => !(await flags("n1")).includes("NO-CARRIER") || undefined);
      await quieten(lab);
      t.is((await ping(node("n1"), ADDRESS.n2, 5, EVERY)).received, 5);
    });
  },
);
