import type { TerminalSize } from "../harness/agent-messages.ts";

/** What a client of a lab's control socket asks, a line of JSON each. All but the ones with `of` are answered by their id. */
export type ControlRequest =
  /** What the lab is made of; the answer comes when all of its nodes are up, log lines before it. */
  | { readonly id: number; readonly op: "ready" }
  | {
      readonly id: number;
      readonly op: "start";
      readonly node: string;
      readonly argv: readonly string[];
      readonly cwd?: string;
      readonly env?: Readonly<Record<string, string>>;
      readonly pty?: TerminalSize;
    }
  | { readonly of: number; readonly op: "input"; readonly data: string }
  | { readonly of: number; readonly op: "eof" }
  | { readonly of: number; readonly op: "resize"; readonly size: TerminalSize }
  /** Sets the properties of a link to what the words say; without words it tells them. */
  | { readonly id: number; readonly op: "link"; readonly link: string; readonly words: readonly string[] }
  /** Has every frame of a link in its capture, and gives the file. */
  | { readonly id: number; readonly op: "capture"; readonly link: string }
  | { readonly id: number; readonly op: "stop" };

/** What comes back. `result` or `error` is the last message of an id. */
export type ControlReply =
  | { readonly id: number; readonly log: string }
  | { readonly id: number; readonly stream: "stdout" | "stderr"; readonly data: string }
  /** Something told with `of` this id has reached the program; who waits for it sends input no faster than that reads. */
  | { readonly id: number; readonly taken: string }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

/** The answer to `ready`. */
export type LabDescription = {
  readonly name: string;
  readonly artifacts: string;
  readonly seed: number;
  /** "software emulation (tcg): this machine has no /dev/kvm" */
  readonly accelerator: string;
  readonly networks: readonly string[];
  readonly nodes: readonly {
    readonly name: string;
    readonly running: boolean;
    /** Whether programs can be run in it. */
    readonly agent: boolean;
  }[];
  readonly links: readonly {
    readonly name: string;
    readonly node: string;
    readonly nic: string;
    readonly network: string;
    readonly mac: string;
    /** Properties in the words of `link`; "" for a perfect cable. */
    readonly properties: string;
  }[];
};

/** The answer to `start`. */
export type ProgramEnd = { readonly code: number | null; readonly signal: number | null };
