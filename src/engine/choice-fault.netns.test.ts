/** Two NICs are on one LAN, and the daemon is killed after every single step on the way to an uplink: the next one comes online, and nothing is left over. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { node as nodeDocument } from "../testing/builders.ts";
import { Provider } from "../testing/provider.ts";
import { TEST_BINARY, TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

/** Each round starts two daemons; there are dozens, and machines are slow under load. */
const PATIENCE_MS = 900_000;

const none = yaml(nodeDocument({ uplink: { mode: "none" } }));
const wanted = yaml(nodeDocument({ uplink: { mode: "dhcp4", nics: ["up*"] } }));

test("killed after any step of probing, choosing, switching and giving back: the next daemon comes online with one client, one lease and no probe", async (t) => {
  t.timeout(PATIENCE_MS);
  let provider: Provider | undefined;
  const node = await TestNode.start(t, {
    runtime: TEST_BINARY,
    config: {},
    prepare: async ({ sandbox }) => {
      provider = await Provider.switched(sandbox, { nics: ["up0", "up1"], netns: "isp", network: "192.168.50" });
    },
  });
  const { sandbox } = node;
  t.like(await node.applyConfirmed(none), { code: 0, err: "" });
  /** The clients of a node that is online and has nothing more to do. */
  const atRest = async (when: string): Promise<readonly string[]> => {
    let last = "";
    const rest = sandbox.until("the node to come to rest", async () => {
      const status = await node.client.status().catch(() => undefined);
      const online = status?.online === true && status.uplink !== null;
      const clients = [...(await sandbox.processes()).values()].filter((line) => line.startsWith("udhcpc "));
      const probes = (await sandbox.ip("netns list")).split("\n").filter((line) => line.startsWith("probe-"));
      const { problems, lastReconcile } = status ?? {};
      last = JSON.stringify({ online, clients, probes, problems, lastReconcile });
      return online && clients.length === 1 && probes.length === 0 ? clients : undefined;
    });
    return await rest.catch((cause: unknown) => {
      throw new Error(`${when}: ${last}`, { cause });
    });
  };
  let survived = -1;
  for (let step = 0; survived < 0; step += 1) {
    await node.stopDaemon("SIGKILL");
    // Else the choice of the round before would hold.
    await rm(join(node.root, "node.json"));
    await node.startDaemon("/", ["--fault", `kill:${step}`]);
    const died = node.daemonEnd.then(() => true);
    // Its answer is lost when the daemon dies of it.
    void node.applyConfirmed(wanted);
    const came = atRest(`with a kill after step ${step}`).then(() => false);
    // It waits in vain when the daemon dies.
    came.catch(() => undefined);
    if (await Promise.race([died, came])) {
      await node.startDaemon();
      t.like(await node.applyConfirmed(wanted), { code: 0 }, `after step ${step}`);
    } else {
      survived = step;
      await node.stopDaemon("SIGKILL");
      await node.startDaemon();
    }
    const seen = await atRest(`killed after step ${step}`);
    t.regex(seen[0] ?? "", / -i zos /u);
    const [, chosen = "none"] = /^(up[01])@/u.exec(await sandbox.ip("-br link show master zos")) ?? [];
    const [, mac = "none"] = /link\/ether (\S+)/u.exec(await sandbox.ip(`-o link show ${chosen}`)) ?? [];
    const [, address] = /inet (192\.168\.50\.\d+)\/24/u.exec(await sandbox.ip("-4 -o address show dev zos")) ?? [];
    const what = `${chosen} to be the only one with a lease after step ${step}; the server said ${provider?.said()}`;
    await sandbox.until(what, async () => {
      const leases = (await provider?.leases()) ?? [];
      return leases.length === 1 && leases[0]?.mac === mac && leases[0].address === address ? true : undefined;
    });
    t.like(await node.applyConfirmed(none), { code: 0, err: "" }, `after step ${step}`);
    t.is(await sandbox.ip("-o link show type bridge"), "", `after step ${step}`);
  }
  t.true(survived > 12, `it took ${survived} steps only`);
  t.log(`killed ${survived} times`);
});
