import { basename } from "node:path";
import type { Lab } from "../harness/lab.ts";
import { shownCommand } from "./command.ts";
import { ControlServer } from "./control-server.ts";
import { controlSocket } from "./places.ts";

/** Serves a lab in a directory, so that its nodes can be entered from outside, until somebody ends it by `down`. */
export async function keepLab(lab: Lab, directory: string, tell: (line: string) => void): Promise<void> {
  const name = basename(directory);
  await using control = await ControlServer.open(name, controlSocket(directory), Promise.resolve(lab));
  const node = lab.nodes.find(({ running }) => running)?.name ?? "NODE";
  tell(`the lab is kept: ${shownCommand(`shell --lab ${name} ${node}`)}`);
  tell(`it ends by Ctrl-C here, or by: ${shownCommand(`down ${name}`)}`);
  await control.stopAsked;
}
