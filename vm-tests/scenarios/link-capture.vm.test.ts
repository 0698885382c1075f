import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { readCapture } from "../harness/pcapng-read.ts";
import { scenario } from "../harness/scenario.ts";
import { ADDRESS, pair, ping, quieten } from "./link-pair.ts";

const start = promisify(execFile);

/** What tcpdump shows of pings in a capture, one line each. */
async function pings(file: string): Promise<{ readonly requests: number; readonly replies: number }> {
  const { stdout } = await start("tcpdump", ["-n", "-r", file, "icmp"]);
  const count = (word: string): number => stdout.split("\n").filter((line) => line.includes(`echo ${word}`)).length;
  return { requests: count("request"), replies: count("reply") };
}

scenario(
  "captures have every frame at the guest's end of its cable: what it sent before any loss, what it got after",
  { group: "full", topology: pair() },
  async ({ t, lab, node, step, options }) => {
    await quieten(lab);
    const [near, far] = [lab.link("n1.eth0"), lab.link("n2.eth0")];
    const onDemand = join(options.artifacts, "on-demand.pcapng");

    await step("a capture on demand, while every second request is lost", async () => {
      await ping(node("n1"), ADDRESS.n2, 3);
      const before = (await near.counters()).fromGuest.lost;
      await lab.setLink("n1.eth0", { loss: "50%", direction: "from-guest" });
      let received: number;
      {
        await using _capture = await near.startCapture(onDemand);
        ({ received } = await ping(node("n1"), ADDRESS.n2, 30));
      }
      await lab.setLink("n1.eth0", {});
      const lost = (await near.counters()).fromGuest.lost - before;
      t.true(lost > 0 && received > 0);
      t.is(lost + received, 30);
      t.deepEqual(await pings(onDemand), { requests: 30, replies: received });
    });

    await step("the captures of the whole lab agree with the counters, and tcpdump reads them", async () => {
      await ping(node("n1"), ADDRESS.n2, 3);
      await lab.flush();
      const here = await pings(near.capture);
      const there = await pings(far.capture);
      t.is(here.requests, 36);
      t.deepEqual([there.requests, there.replies], [here.replies, here.replies]);
      for (const link of [near, far]) {
        const frames = await readCapture(link.capture);
        const { fromGuest, toGuest } = await link.counters();
        const count = (way: string): number => frames.filter(({ direction }) => direction === way).length;
        t.deepEqual([count("from-guest"), count("to-guest")], [fromGuest.frames, toGuest.frames]);
      }
      return `${here.requests} requests, ${there.requests} of them arrived`;
    });
  },
);
