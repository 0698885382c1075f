import { join } from "node:path";
import type { Target } from "../model/kernel.ts";
import { LineChild } from "./line-child.ts";
import type { Sandbox } from "./sandbox.ts";
import { targetText, type TargetAnswer } from "./target-command.ts";

/** The kernel of a sandbox, brought from target to target by one `target` process in it. */
export class RealKernel implements AsyncDisposable {
  readonly #child: LineChild;

  constructor(sandbox: Sandbox) {
    const main = join(import.meta.dirname, "main.ts");
    this.#child = new LineChild([...sandbox.inside(), process.execPath, main, "target", "--dir", sandbox.dir]);
  }

  async reach(target: Target): Promise<TargetAnswer> {
    this.#child.send(targetText(target));
    return JSON.parse(await this.#child.next()) as TargetAnswer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
