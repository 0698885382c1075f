/** Which boot of the guest speaks. A new `bootId` means that everything started before is gone. */
export type Hello = {
  /** In the early stage it waits, before any service starts, to be told who it is and to be released. */
  readonly stage: "early" | "up";
  /** Empty in the early stage and in a template. */
  readonly bootId: string;
  readonly uptime: number;
  readonly version: string;
};

/** What tells a guest from its siblings (vm-tests/agent/src/identity.rs). */
export type Identity = {
  readonly hostname: string;
  /** 32 hexadecimal digits, machine-id(5). */
  readonly machineId: string;
  /** For a clone: time in seconds since 1970, random bytes in base64, and what /proc/cmdline shall say. */
  readonly clone?: { readonly time: number; readonly seed: string; readonly cmdline: string };
};

/** The window of a terminal, in characters. */
export type TerminalSize = { readonly rows: number; readonly columns: number };

/** What the host asks of the agent (vm-tests/agent/src/protocol.rs). */
export type AgentRequest =
  | {
      readonly op: "exec";
      readonly argv: readonly string[];
      readonly stdin?: string;
      readonly env?: Readonly<Record<string, string>>;
      readonly cwd?: string;
      readonly streamInput?: boolean;
      readonly pty?: TerminalSize;
    }
  | { readonly op: "input"; readonly data: string }
  | { readonly op: "eof" }
  | ({ readonly op: "resize" } & TerminalSize)
  | { readonly op: "kill" }
  | { readonly op: "ping" }
  | ({ readonly op: "identity" } & Identity)
  | { readonly op: "clock"; readonly jump: number }
  | { readonly op: "release" }
  | { readonly op: "read"; readonly path: string }
  | {
      readonly op: "write";
      readonly path: string;
      readonly data: string;
      readonly append: boolean;
      readonly mode?: number;
    };

/** What the agent answers. */
export type AgentReply =
  | { readonly kind: "hello"; readonly hello: Hello }
  | { readonly kind: "pong"; readonly id: number; readonly pong: Hello }
  | { readonly kind: "data"; readonly id: number; readonly stream: "stdout" | "stderr"; readonly data: Buffer }
  | { readonly kind: "taken"; readonly id: number; readonly taken: number }
  | { readonly kind: "exit"; readonly id: number; readonly exit: number | null; readonly signal: number | null }
  | { readonly kind: "error"; readonly id: number | null; readonly error: string };

/** Longest request line in bytes that the agent takes. */
export const requestLimit: number = 4 << 20;

type Wire = {
  readonly id?: number | null;
  readonly hello?: Hello;
  readonly pong?: Hello;
  readonly stream?: "stdout" | "stderr";
  readonly data?: string;
  readonly taken?: number;
  readonly exit?: number | null;
  readonly signal?: number | null;
  readonly error?: string;
};

/** Reads one line of the agent; undefined when it is none, such as the torn rest of an earlier boot. */
export function parseReply(line: string): AgentReply | undefined {
  let wire: Wire;
  try {
    wire = JSON.parse(line) as Wire;
  } catch {
    return undefined;
  }
  if (typeof wire !== "object" || wire === null) return undefined;
  if (wire.hello !== undefined) return { kind: "hello", hello: wire.hello };
  if (wire.error !== undefined) return { kind: "error", id: wire.id ?? null, error: wire.error };
  if (typeof wire.id !== "number") return undefined;
  const { id } = wire;
  if (wire.pong !== undefined) return { kind: "pong", id, pong: wire.pong };
  if (wire.stream !== undefined && wire.data !== undefined) {
    return { kind: "data", id, stream: wire.stream, data: Buffer.from(wire.data, "base64") };
  }
  if (wire.taken !== undefined) return { kind: "taken", id, taken: wire.taken };
  if (wire.exit !== undefined) return { kind: "exit", id, exit: wire.exit, signal: wire.signal ?? null };
  return undefined;
}
