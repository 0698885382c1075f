import { join } from "node:path";
import { stringify } from "yaml";
import { dist } from "../../scripts/lib/build.ts";
import type { NetworkResourceDocument } from "../../src/model/document.ts";
import { peer, resource } from "../../src/testing/builders.ts";
import { scenario } from "../harness/scenario.ts";

/** In the guest: the addon has to lie beside what loads it. */
const PROGRAM = "/run/fault/netloom-test";
const PLACE = "/run/fault/state";
const SOCKET = `${PLACE}/socket`;
const PATIENCE_MS = 60_000;

const first = peer("a", { allowedIps: ["10.10.2.0/24"], endpoint: "192.0.2.2:51820" });
const second = peer("b", { allowedIps: ["10.10.3.0/24"] });
const before = resource("mesh", { wireguard: { listenPort: 51820, peers: [first, second] } });
/** Another port, one peer with more networks, one gone, one new. */
const after = resource("mesh", {
  wireguard: {
    listenPort: 51821,
    peers: [{ ...first, allowedIps: ["10.10.2.0/24", "10.10.4.0/24"] }, peer("c", { allowedIps: ["10.10.3.0/24"] })],
  },
});
const files = { [PROGRAM]: { from: join(dist, "netloom-test"), mode: 0o755 } };

scenario(
  "killed after any step on WireGuard, the next daemon comes to the same peers and has nothing left to do",
  {
    group: "full",
    topology: () => ({ networks: [], nodes: { n1: { nics: [], memory: 768, files } } }),
    timeoutMs: 900_000,
  },
  async ({ t, node, step }) => {
    const n1 = node("n1");
    const sh = (script: string, ...args: readonly string[]): Promise<string> =>
      n1.run(["sh", "-c", script, "sh", ...args], { timeoutMs: PATIENCE_MS });
    const client = (...words: readonly string[]): ReturnType<typeof n1.exec> =>
      n1.exec(["netloom", ...words, "--socket", SOCKET], { timeoutMs: PATIENCE_MS });
    const apply = async (name: string): Promise<void> => {
      const { code, stdout, stderr } = await client("apply", `/run/fault/${name}`);
      t.is(code, 0, `${stdout}${stderr}`);
    };
    const write = (name: string, document: NetworkResourceDocument): Promise<void> =>
      n1.writeFile(`/run/fault/${name}`, stringify(document));
    const wireguard = async (): Promise<string> =>
      // A resource that was deleted has a new key.
      (await n1.run(["ip", "netns", "exec", "nmesh", "wg", "show", "all", "dump"])).replace(
        /^(\S+)\t\S+\t\S+(?=\t\d+\t\S+$)/gmu,
        "$1",
      );

    await sh(PREPARE);
    await write("before", before);
    await write("after", after);
    for (const [name, from, to] of [
      ["created", undefined, "before"],
      ["changed", "before", "after"],
    ] as const)
      await step(name, async () => {
        // What it has to be in the end, and which of its steps concern WireGuard.
        await sh(START);
        if (from !== undefined) await apply(from);
        const plan = (await client("plan", `/run/fault/${to}`)).stdout.trim().split("\n");
        const about = plan.flatMap((line, index) => (/\bwg\b|wireguard/u.test(line) ? [index, index + 1] : []));
        const kills = [...new Set(about)];
        t.true(kills.length > 3, plan.join("\n"));
        await apply(to);
        const wanted = await wireguard();
        for (const kill of kills) {
          t.is((await client("delete", "NetworkResource", "mesh")).code, 0);
          if (from !== undefined) await apply(from);
          await sh(STOP);
          await sh(START, "--fault", `kill:${kill}`);
          t.is((await client("apply", `/run/fault/${to}`)).code, 1, `it outlived step ${kill} of ${plan.length}`);
          await sh(STOP);
          await sh(START);
          t.is(await wireguard(), wanted, `killed after step ${kill}`);
          t.is((await client("apply", `/run/fault/${to}`)).stdout, "no changes\n", `killed after step ${kill}`);
        }
        t.is((await client("delete", "NetworkResource", "mesh")).code, 0);
        await sh(STOP);
        return `killed after steps ${kills.join(", ")} of ${plan.length}`;
      });
  },
);

/** The node's own daemon would take what another one makes in its namespace for its own, and remove it. */
const PREPARE = `
s6-svc -wD -d /run/service/netloom
mkdir -p ${PLACE}/service
ln -sf /usr/lib/netloom/netloom.node /run/fault/
`;

/** On state of its own; it has made its first pass when this ends. */
const START = `
${PROGRAM} daemon "$@" --root ${PLACE}/root --runtime ${PLACE}/run --config ${PLACE}/config --services ${PLACE}/service \\
  --socket ${SOCKET} --cmdline quiet >>${PLACE}/log 2>&1 </dev/null &
echo $! >${PLACE}/pid
until netloom status --json --socket ${SOCKET} 2>/dev/null | grep -q '"total": *[1-9]'; do
  kill -0 $! || { tail ${PLACE}/log >&2; exit 1; }
  sleep 0.1
done
`;

const STOP = `
pid=$(cat ${PLACE}/pid)
kill -9 $pid 2>/dev/null
while kill -0 $pid 2>/dev/null; do sleep 0.05; done
`;
