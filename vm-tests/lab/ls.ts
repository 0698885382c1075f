import { type LabCommand, parseWords, shownCommand } from "./command.ts";
import { runningLabs } from "./places.ts";

/** Lists this user's labs. */
export const lsCommand: LabCommand = {
  words: "",
  what: "the labs that run",
  example: "ls",
  run: async (given) => {
    parseWords(given, {}, [0, 0], "ls");
    const labs = await runningLabs();
    if (labs.length === 0) process.stdout.write(`no lab runs; start one: ${shownCommand("up FILE")}\n`);
    for (const { record, answers } of labs) {
      const state = answers ? "up" : "starting";
      process.stdout.write(`${record.name.padEnd(20)} ${state.padEnd(8)} since ${record.started}  ${record.file}\n`);
    }
    return 0;
  },
};
