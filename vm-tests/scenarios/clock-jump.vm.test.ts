import { scenario } from "../harness/scenario.ts";

const topology = { networks: [], nodes: { n1: { nics: [] } } };
const day = 86_400;

scenario(
  "a clock that jumps a day ahead and two back changes dates and no durations, and the daemon goes on",
  { group: "smoke", topology },
  async ({ t, node, step }) => {
    const n1 = node("n1");
    await n1.waitForConsole(/daemon started/u);
    const daemon = await n1.run(["pidof", "netloom"]);
    const inGuest = async (): Promise<{ wall: number; up: number }> => {
      const [wall = 0, up = 0] = (await n1.run(["sh", "-c", "date +%s; cat /proc/uptime"])).split(/\s+/u).map(Number);
      return { wall, up };
    };
    let before = await inGuest();
    for (const jump of [day, -2 * day]) {
      await step(`${jump / day} days`, async () => {
        const told = await n1.clockJump(jump);
        t.is(Math.round((told.after.getTime() - told.before.getTime()) / 1000), jump);
        const now = await inGuest();
        t.true(told.before.getTime() / 1000 >= before.wall && now.wall >= Math.floor(told.after.getTime() / 1000));
        // What passed by the other clock passed by this one too, but for the jump and the rounding of `date`.
        const drift = now.wall - before.wall - jump - (now.up - before.up);
        t.true(Math.abs(drift) <= 1.5, `the clocks differ by ${drift} s`);
        before = now;
        await n1.run(["netloom", "status"]);
        t.is(await n1.run(["pidof", "netloom"]), daemon);
      });
    }
    await step("the journal has the guest's time", async () => {
      const { wall } = await inGuest();
      await n1.run(["sh", "-c", "echo probe: now >/run/log/fifo"]);
      const entry = await n1.until(
        "the line",
        async () => (await Array.fromAsync(n1.journal({ service: "probe" })))[0],
      );
      t.true(entry.time.getTime() / 1000 >= wall);
      t.true(entry.time.getTime() < Date.now() - (day / 2) * 1000);
    });
  },
);
