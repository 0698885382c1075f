import test from "ava";
import { SupervisorRig } from "../../testing/supervisor-rig.ts";
import { STAY, strangerIsLeftAlone, supervisorTable } from "../../testing/supervisor-table.ts";
import { talk } from "./socket-talk.ts";

for (const [title, run] of supervisorTable("zinit")) test(title, run);

test("zinit: a server that is wedged is told of, killed and started again, and nothing is doubled", async (t) => {
  await using rig = await SupervisorRig.open("zinit");
  const { problems } = await rig.do({ set: rig.service("one", STAY) });
  t.deepEqual(problems, []);
  const [pid, server] = [await rig.alone("one"), rig.server];
  // What the adapter never says: `set` for a name that exists.
  const config = { service: { name: "one", exec: "/bin/true" } };
  const say = `${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "service.set", params: { config } })}\n`;
  await t.throwsAsync(talk({ socket: rig.socket, say, isWhole: (heard) => heard.endsWith("\n"), timeoutMs: 500 }), {
    code: "timeout",
  });
  // It may be slow to be wedged: until then it answers.
  const after = await rig.until("another server", async () => {
    const answer = await rig.ask("look");
    return answer.failed === undefined && answer.problems.length > 0 ? answer : undefined;
  });
  t.regex(
    after.problems.join("\n"),
    /^zinit-server was wedged \d+ s after [^\n]*; it was killed, to be started again$/u,
  );
  t.not(rig.server, server);
  await rig.do({ set: rig.service("one", STAY) });
  await rig.alone("one", pid);
});

test("zinit: a stranger's service of the same name is named and left alone", async (t) => {
  await strangerIsLeftAlone(t, "zinit", async (rig) => {
    const config = { service: { name: "one", exec: "/bin/sleep 3600" } };
    const say = `${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "service.set", params: { config } })}\n`;
    await talk({ socket: rig.socket, say, isWhole: (heard) => heard.endsWith("\n"), timeoutMs: 5000 });
  });
});
