import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { scenario } from "../harness/scenario.ts";
import type { Topology } from "../harness/topology.ts";
import { GATEWAY, NETWORK } from "./gateway.ts";
import { NetloomGuest } from "./netloom-guest.ts";

/** What a machine with an empty battery says at every power-on. */
const PAST = "2020-01-01T00:00:00";
const RESOURCE = `apiVersion: netloom/v1
kind: NetworkResource
name: kept
subnet: 10.10.1.0/24
range: 10.10.0.0/16
wireguard:
  listenPort: 51820
`;

/** The machine with the disk, and a gateway. */
function topology(artifacts: string): Topology {
  const disk = join(artifacts, "state.img");
  execFileSync("mkfs.ext4", ["-q", "-L", "netloom", disk, "32M"]);
  return { networks: [NETWORK], nodes: { gateway: GATEWAY, n1: { nics: [NETWORK], disk, rtc: PAST } } };
}

scenario(
  "a disk labelled netloom keeps documents, keys, the uplink and the time over a power cut",
  { group: "full", topology },
  async ({ t, lab }) => {
    const guest = new NetloomGuest(lab.node("n1"));
    const { node } = guest;
    const seconds = async (): Promise<number> => Number(await node.run(["date", "+%s"]));

    // Nothing was saved yet: time begins with the image, whose files all have the date of its build.
    const built = Number(await node.run(["stat", "-c", "%Y", "/usr/lib/netloom/netloom"]));
    t.true((await seconds()) >= built);
    t.regex(await node.run(["cat", "/proc/mounts"]), /^\/dev\/vda \/var\/cache\/modules ext4 rw/mu);
    const before = await guest.online();
    await node.run(["netloom", "apply", "-"], { stdin: RESOURCE });
    const key = await guest.publicKey("kept");
    const documents = await node.run(["netloom", "show"]);

    // A day ahead of everything else, so that only the disk can know it. From here on nobody tells the node the time.
    await lab.setLink("gateway.eth0", { carrier: "down" });
    const saved = (await seconds()) + 86_400;
    await node.run(["date", "-s", `@${saved}`]);
    await node.run(["/usr/libexec/netloom/save-clock"]);
    await node.run(["sync"]);
    await node.powerCut();
    await node.boot();

    const started = await seconds();
    t.true(started >= saved && started < saved + 3600, `saved ${saved}, started at ${started}`);
    await node.waitForConsole(/daemon started/u);
    t.is(await node.run(["netloom", "show"]), documents);
    t.is(await guest.publicKey("kept"), key);
    const { state, keys } = await guest.status();
    t.regex(state.kept, /^on disk \/dev\/vda/u);
    t.deepEqual(keys, [{ resource: "kept", publicKey: key, since: "disk" }]);
    await node.until(
      "the resource",
      async () => (await node.run(["ip", "netns", "list"])).includes("nkept") || undefined,
    );
    const kept: unknown = JSON.parse((await node.readFile("/var/cache/modules/network/node.json")).toString());
    t.like(kept, { uplink: before.uplink?.nic });
    t.false((await guest.status()).online, "a node without a DHCP server is not online");

    await lab.setLink("gateway.eth0", { carrier: "up" });
    t.is((await guest.online()).uplink?.address, before.uplink?.address);
    // WireGuard waits for the time, and that for an uplink.
    await node.until("its WireGuard with the same key", async () => {
      const shown = await node.run(["ip", "netns", "exec", "nkept", "wg", "show"]);
      return shown.includes(`public key: ${key}\n`) || undefined;
    });
    await node.powerOff();
    // Shut down in order, the file system needs no repair.
    t.regex(
      execFileSync("dumpe2fs", ["-h", join(lab.artifacts, "state.img")], { encoding: "utf8", stdio: "pipe" }),
      /Filesystem state: +clean\n/u,
    );
  },
);
