import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { describeError } from "../../src/lib/errors.ts";
import type { Lab } from "../harness/lab.ts";
import { shownCommand } from "./command.ts";
import { ControlServer } from "./control-server.ts";
import { controlSocket } from "./places.ts";

/** Serves a lab in a directory, so that its nodes can be entered from outside, until somebody ends it by `down`. */
export async function keepLab(lab: Lab, directory: string, tell: (line: string) => void): Promise<void> {
  const name = basename(directory);
  // Who ends a kept lab removes its directory a moment later: the scenarios after it have none, or one that was taken.
  const opened = await mkdir(join(directory, "taken"))
    .then(async () => ControlServer.open(name, controlSocket(directory), Promise.resolve(lab)))
    .catch(describeError);
  if (typeof opened === "string") return tell(`this lab is not kept, since one was before it: ${opened}`);
  await using control = opened;
  const node = lab.nodes.find(({ running }) => running)?.name ?? "NODE";
  tell(`the lab is kept: ${shownCommand(`shell --lab ${name} ${node}`)}`);
  tell(`it ends by Ctrl-C here, or by: ${shownCommand(`down ${name}`)}`);
  await control.stopAsked;
}
