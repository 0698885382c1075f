/** `netloom wait-online` and the flag that services wait for, with a real DHCP server at the other end of a cable. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { Ended } from "../testing/child.ts";
import { node as nodeDocument } from "../testing/builders.ts";
import { Provider } from "../testing/provider.ts";
import { TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const uplink = yaml(nodeDocument({ uplink: { mode: "dhcp4", nics: ["up0"], ignore: [] } }));

test("wait-online ends when the node is online, through a restart of the daemon, and not before; the flag follows", async (t) => {
  let provider: Provider | undefined;
  const node = await TestNode.start(t, {
    config: { "node.yaml": uplink },
    prepare: async ({ sandbox }) => {
      provider = await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" });
      provider.stop();
    },
  });
  const flag = join(node.runtimeDir, "online");
  const late = await node.netloom(["wait-online", "--timeout", "1"]);
  t.is(late.code, 1);
  t.regex(
    late.err,
    /^netloom: cannot wait until the node is online: it was not within 1 s: [^\n]+; `netloom status` says what is missing\n$/u,
  );
  t.false(existsSync(flag));

  let ended: Ended | undefined;
  const waiter = node.netloom(["wait-online"]).then((end) => (ended = end));
  await node.stopDaemon("SIGKILL");
  t.is((await node.netloom(["wait-online", "--timeout", "0.2"])).code, 1);
  await node.startDaemon();
  t.is(ended, undefined);
  provider?.serve("192.168.50", 10);
  t.deepEqual(await waiter, { code: 0, out: "", err: "" });
  t.true(existsSync(flag));
  const { onlineAt } = await node.client.status();
  t.true(Number(await readFile(flag, "utf8")) >= (onlineAt ?? Infinity));
  t.is((await node.netloom(["wait-online", "--timeout", "0"])).code, 0);

  await node.sandbox.ip("-n isp link set eth0 down");
  await node.sandbox.until("the node to be offline", async () =>
    (await node.client.status()).online ? undefined : true,
  );
  t.false(existsSync(flag));
});
