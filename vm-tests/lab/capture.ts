import { copyFile } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { summarise } from "../harness/capture.ts";
import { type LabCommand, parseWords, userFile } from "./command.ts";
import { ControlClient } from "./control-client.ts";
import { controlSocket, findLab } from "./places.ts";

/** Gives what a link has carried since the lab started. */
export const captureCommand: LabCommand = {
  words: "NODE.nic [--out FILE]",
  what: "what a link has carried: a summary, or all of it as pcapng (`--out -` for Wireshark by a pipe)",
  example: "capture node1.eth0 --out node1.pcapng",
  run: async (given) => {
    const types = { lab: "string", out: "string" } as const;
    const { options, words } = parseWords(given, types, [1, 1], "capture NODE.nic [--out FILE]");
    const [link = ""] = words;
    const lab = await findLab(options.lab);
    using client = await ControlClient.connect(controlSocket(lab.directory));
    const file = String(await client.ask({ op: "capture", link }));
    if (options.out === "-") {
      await pipeline(createReadStream(file), process.stdout, { end: false });
      return 0;
    }
    const { frames, bytes, protocols } = await summarise(file);
    const shares = Object.entries(protocols).toSorted(([, a], [, b]) => b - a);
    const told = [
      `${link}: ${frames} frames, ${bytes} bytes`,
      ...shares.map(([protocol, count]) => `  ${String(count).padStart(6)}  ${protocol}`),
    ];
    if (options.out !== undefined) await copyFile(file, userFile(options.out));
    process.stdout.write(`${told.join("\n")}\nin ${options.out ?? file}\n`);
    return 0;
  },
};
