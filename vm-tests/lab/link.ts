import { type LabCommand, parseWords } from "./command.ts";
import { ControlClient } from "./control-client.ts";
import { controlSocket, findLab } from "./places.ts";

/** Sets what a link does to frames. */
export const linkCommand: LabCommand = {
  words: "NODE.nic [WORDS…]",
  what: "what a link does: down, up, blackhole, loss=5%, delay=50ms±10, rate=10mbit, clear, …; without words, tell",
  example: "link node1.eth0 loss=5% delay=50ms±10",
  run: async (given) => {
    const { options, words } = parseWords(given, { lab: "string" }, [1, Infinity], "link NODE.nic [WORDS…]");
    const [link = "", ...properties] = words;
    const lab = await findLab(options.lab);
    using client = await ControlClient.connect(controlSocket(lab.directory));
    const now = await client.ask({ op: "link", link, words: properties });
    process.stdout.write(`${link}: ${String(now)}\n`);
    return 0;
  },
};
