import { describeAccelerator } from "../../vm-tests/harness/accel.ts";
import { Lab } from "../../vm-tests/harness/lab.ts";
import { classify } from "../../vm-tests/harness/classify.ts";
import { readCapture } from "../../vm-tests/harness/pcapng-read.ts";
import { labOptions } from "../../vm-tests/harness/test-lab.ts";
import { dhcpServer, serve, type Served } from "../../vm-tests/scenarios/dhcp-server.ts";
import { NetloomGuest } from "../../vm-tests/scenarios/netloom-guest.ts";
import { type Bench, type Figure, median } from "./figure.ts";

const rounds = 5;
/** What `Node.uplink.probeTimeout` is unless told. */
const probeTimeout = 20;
/** In a second, by which captures tell the time. */
const MICROSECONDS = 1e6;
const silentNics = ["silent1", "silent2", "silent3"];
const address: Served = { dev: "eth0", v4: "10.80.0.1/24" };
const served: Served = { ...address, dhcp4: true };

/**
 * How long a node takes to come online, in its own seconds, from when it could: its NIC has carrier and a server answers. By a cable
 * that is plugged in, by a server that answers at last, and with three more NICs that have carrier and nobody behind them.
 */
export const online: Bench = {
  name: "online",
  inToolbox: true,
  needsImage: true,
  measure: async () => {
    const silent = (name: string) => ({ role: "debian", nics: [name], addresses: ["none"] }) as const;
    const topology = {
      networks: ["lan", ...silentNics],
      nodes: {
        server: dhcpServer(["lan"], [served]),
        ...Object.fromEntries(silentNics.map((name) => [name, silent(name)])),
        n1: { nics: ["lan"] },
        n4: { nics: [...silentNics, "lan"] },
      },
    };
    await using lab = await Lab.start(topology, { ...(await labOptions("bench-online")), boot: ["server"] });
    const [one, four, server] = [
      new NetloomGuest(lab.node("n1")),
      new NetloomGuest(lab.node("n4")),
      lab.node("server"),
    ];
    const note = `guest seconds, median of ${rounds}; ${describeAccelerator(lab.accel)}`;

    const byCable: number[] = [];
    for (let round = 0; round < rounds; round++) byCable.push(await plugged(lab, one, "eth0"));
    const byServer: number[] = [];
    for (let round = 0; round < rounds; round++)
      byServer.push(
        await answered(
          lab,
          one,
          () => serve(server, [address]),
          () => serve(server, [served]),
        ),
      );
    const withSilent: number[] = [];
    for (let round = 0; round < 3; round++) withSilent.push(await plugged(lab, four, "eth3"));
    return [
      figure("carrier to online", byCable, 3, note),
      figure("answer to online", byServer, 3, note),
      figure(
        "four NICs of which three are silent",
        withSilent,
        probeTimeout,
        `${note.replace(`${rounds}`, "3")}; the bar is one probe timeout`,
      ),
    ];
  },
};

function figure(name: string, seconds: readonly number[], bar: number, note: string): Figure {
  const worst = Math.max(...seconds).toFixed(2);
  return { name, ours: median(seconds), unit: "s", bar, note: `worst ${worst} s; ${note}` };
}

/** Boots a node without this cable, plugs it in when the daemon has looked around, and gives the seconds from its carrier until online. */
async function plugged(lab: Lab, guest: NetloomGuest, nic: string): Promise<number> {
  const link = `${guest.name}.${nic}`;
  await lab.setLink(link, { carrier: "down" });
  await lab.boot([guest.name]);
  // Read off its console: a node that is asked for its status again and again has less time for its own work.
  await guest.node.waitForConsole(/pass: \d+ steps/u);
  const noted = guest.node.run([
    "sh",
    "-c",
    `until [ "$(cat /sys/class/net/${nic}/carrier 2>&1)" = 1 ]; do usleep 5000; done; cat /proc/uptime`,
  ]);
  await lab.setLink(link, { carrier: "up" });
  return await secondsToOnline(guest, noted);
}

/**
 * The same with a cable that is there and a server that is not, until it is told to start: from the server's first answer, read off the
 * cable. When it could have answered nobody knows; the client asks once a second.
 */
async function answered(
  lab: Lab,
  guest: NetloomGuest,
  stop: () => Promise<void>,
  start: () => Promise<void>,
): Promise<number> {
  await stop();
  await lab.boot([guest.name]);
  await guest.node.waitForConsole(/udhcpc: broadcasting discover/u);
  const asked = Date.now() / 1000;
  const uptime = Number((await guest.node.run(["cat", "/proc/uptime"])).split(" ", 1)[0]);
  // The machine's clock at which the node's kernel started, as exact as the question was quick.
  const kernelStart = (asked + Date.now() / 1000) / 2 - uptime;
  await start();
  const { onlineAt } = await guest.online();
  await lab.flush();
  const answer = (await readCapture(lab.link(`${guest.name}.eth0`).capture)).find(
    ({ time, direction, bytes }) =>
      time / MICROSECONDS > asked && direction === "to-guest" && classify(bytes).protocol === "DHCPv4",
  );
  if (answer === undefined) throw new Error(`${guest.name} is online without an answer on its cable`);
  await guest.node.powerCut();
  return (onlineAt ?? Number.NaN) - (answer.time / MICROSECONDS - kernelStart);
}

async function secondsToOnline(guest: NetloomGuest, noted: Promise<string>): Promise<number> {
  const { onlineAt } = await guest.online();
  const from = Number((await noted).split(" ", 1)[0]);
  await guest.node.powerCut();
  return (onlineAt ?? Number.NaN) - from;
}
