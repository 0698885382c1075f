import test from "ava";
import { SupervisorRig } from "../../testing/supervisor-rig.ts";
import { STAY, supervisorTable } from "../../testing/supervisor-table.ts";

for (const [title, run] of supervisorTable("direct")) test(title, run);

test("a supervisor that comes later gets the services that the daemon kept by itself, and nothing runs twice", async (t) => {
  await using rig = await SupervisorRig.open("direct");
  await rig.do({ set: rig.service("one", STAY) });
  const pid = await rig.alone("one");
  await using watching = new AsyncDisposableStack();
  watching.use(await rig.watch());
  t.is((await rig.restartDaemon()).kind, "s6");
  t.deepEqual(await rig.pids("one"), []);
  t.true((await rig.ask("look")).list.every(({ hash }) => hash === null));
  await rig.do({ set: rig.service("one", STAY) });
  await rig.alone("one", pid);
  await rig.do({ remove: "one" });
});
