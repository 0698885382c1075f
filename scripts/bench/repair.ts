import { lan } from "../../src/testing/builders.ts";
import { Netlink, netnsCreate } from "../../src/host/addon.ts";
import { resources } from "./documents.ts";
import { type Bench, type Figure, median, milliseconds } from "./figure.ts";
import { Launcher } from "./peers/launcher.ts";
import { RunningEngine } from "./running-engine.ts";

const ROUNDS = 5;
/** More than the bar: a repair that does not come is a failure, not a figure. */
const PATIENCE_MS = 20_000;

/** How long damage that others do stays: a deleted link, a flushed ruleset, a route that was removed. */
export const repair: Bench = {
  name: "repair",
  inToolbox: true,
  runtime: "bun",
  measure: async () => {
    await using ours = await RunningEngine.open();
    await using shell = new Launcher();
    await ours.apply(lan("lab"), ...resources(0, 10));
    await netnsCreate("c1", 0);
    await ours.engine.join({ lan: "lab", netns: "c1" });
    await ours.calm();
    using host = await Netlink.open();
    using member = await Netlink.open("/run/netns/c1");
    using inside = await Netlink.open("/run/netns/nd3");
    const hasLink = async (): Promise<boolean> =>
      (await host.dump("links")).links.some(({ name, up }) => name === "rd3" && up);
    const hasTable = async (): Promise<boolean> => (await inside.nftTables()).tables.length > 0;
    const hasRoute = async (): Promise<boolean> =>
      (await member.dump("routes")).routes.some(({ to }) => to === "default");
    const hasAddress = async (): Promise<boolean> =>
      (await inside.dump("addresses")).addresses.some(({ address }) => address === "10.1.3.1/24");
    const damages = [
      ["repair.link", "ip link delete rd3", hasLink],
      ["repair.ruleset", "nsenter --net=/run/netns/nd3 nft flush ruleset", hasTable],
      ["repair.route", "ip -n c1 route delete default", hasRoute],
      ["repair.address", "ip -n nd3 address delete 10.1.3.1/24 dev private", hasAddress],
    ] as const;
    const figures: Figure[] = [];
    for (const [name, damage, isBack] of damages) {
      const times: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        // What the same program undoes a third time is left to it, until the next change of documents.
        await ours.apply(lan("lab"));
        await ours.calm();
        await shell.run(damage);
        times.push(await milliseconds(() => until(name, isBack)));
      }
      figures.push({
        name,
        ours: median(times),
        unit: "ms",
        bar: 1000,
        note: `${Math.round(Math.max(...times))} at most`,
      });
    }
    return figures;
  },
};

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await holds())) if (performance.now() > end) throw new Error(`${what} did not come back`);
}
