import { stringify } from "yaml";
import type { LanDocument } from "../../src/model/document.ts";
import { scenario } from "../harness/scenario.ts";
import { GATEWAY, GATEWAY_ADDRESS, NETWORK } from "./gateway.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const topology = { networks: [NETWORK], nodes: { gateway: GATEWAY, n1: { nics: [NETWORK] } } };

/** Takes the NIC by which the node is reached. */
const SWALLOW: LanDocument = {
  apiVersion: "netloom/v1",
  kind: "Lan",
  name: "trap",
  type: "bridge",
  backend: "linux",
  cidr: "10.77.0.0/24",
  dhcp: false,
  ntp: [],
  nics: ["eth0"],
};
const SERVICE = "/run/service/netloom";
const ROOT = "/var/cache/modules/network";
/** What the guard promises, and some time for a guest that is emulated. */
const PATIENCE_MS = 120_000;

scenario(
  "a change that cuts a node off is undone without it, and without its daemon",
  { group: "full", topology, timeoutMs: 600_000 },
  async ({ t, node, step }) => {
    await new NetloomGuest(node("gateway")).online();
    const guest = new NetloomGuest(node("n1"));
    const { uplink } = await guest.online();
    const n1 = guest.node;
    await n1.writeFile("/run/trap.yaml", stringify(SWALLOW));
    const pings = async (): Promise<true | undefined> =>
      (await n1.exec(["ping", "-c", "1", "-W", "2", GATEWAY_ADDRESS])).code === 0 || undefined;
    const isPort = async (): Promise<boolean> =>
      (await n1.run(["ip", "link", "show", "eth0"])).includes("master l-trap");
    const isBack = async (): Promise<void> => {
      t.false(await isPort());
      t.notRegex(await n1.run(["ip", "-o", "link"]), /l-trap/u);
      t.notRegex(await n1.run(["ls", ROOT, `${ROOT}/documents`]), /checkpoint\.yaml|Lan-trap/u);
      t.regex(await n1.run(["ip", "-4", "addr", "show", "zos"]), new RegExp(`inet ${uplink?.address ?? "none"} `, "u"));
    };
    t.true(await pings());
    // Limits of the whole machine can be seen here only: no namespace of ours has them.
    t.is(await n1.run(["cat", "/proc/sys/net/ipv4/neigh/default/gc_thresh3"]), "16384\n");

    await step("the daemon dies with the change half confirmed and stays dead", async () => {
      const apply = n1.exec(["netloom", "apply", "/run/trap.yaml"], { timeoutMs: PATIENCE_MS });
      await n1.until("the uplink to be a port", async () => (await isPort()) || undefined);
      await n1.run(["s6-svc", "-Ok", SERVICE]);
      t.is((await apply).code, 1);
      t.is(await pings(), undefined);
      await n1.until("the gateway to answer again", pings, PATIENCE_MS);
      await n1.until("the change to be history", async () => {
        const files = await n1.run(["ls", ROOT]);
        return !files.includes("checkpoint.yaml") || undefined;
      });
      await isBack();
      t.regex(await n1.run(["s6-svstat", SERVICE]), /^down/u);
    });
    await step("the next daemon knows, and has nothing to do; with it alive the change is undone as well", async () => {
      await n1.run(["s6-svc", "-u", SERVICE]);
      const status = await n1.until("the daemon", () => guest.status().catch(() => undefined), PATIENCE_MS);
      t.like(status.guard, { state: "reverted", change: "apply Lan trap" });
      const { code, stderr } = await n1.exec(["netloom", "apply", "/run/trap.yaml"], { timeoutMs: PATIENCE_MS });
      t.is(code, 1);
      t.regex(stderr, /apply Lan trap: reverted: IPv4 gateway is missing/u);
      t.true(await n1.until("the gateway to answer again", pings));
      await isBack();
    });
  },
);
