import { readCapture } from "../harness/pcapng-read.ts";
import { scenario } from "../harness/scenario.ts";
import { ADDRESS, grown, pair, quieten } from "./link-pair.ts";

const bits = 2_000_000;
const bytes = 400_000;

scenario(
  "a link with a rate: a transfer goes no faster, all of it arrives, and every frame is accounted for",
  { group: "full", topology: pair() },
  async ({ t, lab, node, step }) => {
    await quieten(lab);
    const before = await lab.link("n1.eth0").counters();
    await lab.setLink("n1.eth0", { rate: "2mbit", direction: "from-guest" });

    await step(`${bytes} bytes over TCP at 2mbit`, async () => {
      const server = node("n2").start(["sh", "-c", "nc -l -p 9000 | wc -c"]);
      await node("n2").until("the server", async () => {
        const listening = await node("n2").run(["netstat", "-ltn"]);
        return listening.includes(":9000") || undefined;
      });
      const started = performance.now();
      await node("n1").run(["sh", "-c", `head -c ${bytes} /dev/zero | nc ${ADDRESS.n2} 9000`], { timeoutMs: 120_000 });
      const seconds = (performance.now() - started) / 1000;
      t.is(Number((await server.result).stdout), bytes);
      t.true(seconds >= (bytes * 8) / bits, `${seconds} s`);
      return `${seconds.toFixed(1)} s, and no less than ${(bytes * 8) / bits} s`;
    });

    await step("the capture at the far end shows the rate, and the counters where each frame went", async () => {
      await lab.flush();
      const frames = (await readCapture(lab.link("n2.eth0").capture)).filter(({ direction, bytes: { length } }) => {
        return direction === "to-guest" && length > 1000;
      });
      const [first, ...others] = frames;
      const last = frames.at(-1);
      t.true(first !== undefined && last !== undefined && others.length > 100);
      const took = ((last?.time ?? 0) - (first?.time ?? 0)) / 1e6;
      const rate = (others.reduce((sum, { bytes: { length } }) => sum + length, 0) * 8) / took;
      // The first one may be a little late.
      t.true(rate < bits * 1.05, `${rate} bit/s`);
      const { fromGuest } = await lab.link("n1.eth0").counters();
      const { offered, delivered, queueDropped, inFlight } = grown(before.fromGuest, fromGuest);
      t.is(offered, delivered + queueDropped + inFlight);
      return `${(rate / 1e6).toFixed(2)} Mbit/s, ${queueDropped} of ${offered} frames dropped at the queue`;
    });
  },
);
