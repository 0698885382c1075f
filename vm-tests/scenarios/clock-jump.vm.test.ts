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
    /** The date, and the time since the kernel started before and after it was asked: a busy host may be long at it. */
    const inGuest = async (): Promise<{ wall: number; first: number; last: number }> => {
      const script = "read up _ </proc/uptime; date +%s; echo $up; cat /proc/uptime";
      const [wall = 0, first = 0, last = 0] = (await n1.run(["sh", "-c", script])).split(/\s+/u).map(Number);
      return { wall, first, last };
    };
    let before = await inGuest();
    for (const jump of [day, -2 * day]) {
      await step(`${jump / day} days`, async () => {
        const told = await n1.clockJump(jump);
        t.is(Math.round((told.after.getTime() - told.before.getTime()) / 1000), jump);
        const now = await inGuest();
        t.true(told.before.getTime() / 1000 >= before.wall && now.wall >= Math.floor(told.after.getTime() / 1000));
        // What passed by the other clock passed by this one too, but for the jump and the rounding of `date`.
        const passed = now.wall - before.wall - jump;
        const [least, most] = [now.first - before.last, now.last - before.first];
        t.true(passed >= least - 1 && passed <= most + 1, `${passed} s passed, and from ${least} to ${most} s`);
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
