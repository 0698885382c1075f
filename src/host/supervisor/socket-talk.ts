import { connect } from "node:net";
import { NetloomError, describeError } from "../../lib/errors.ts";

interface Talk {
  readonly socket: string;
  /** What is said, whole. */
  readonly say: string;
  /** True when what was heard so far is the whole answer; an answer that the end of the connection ends needs none. */
  readonly isWhole?: (heard: string) => boolean;
  readonly timeoutMs: number;
}

/**
 * One exchange over a unix socket: connects, says something, and gives what is heard until the answer is whole or the other side ends.
 * @throws NetloomError `unreachable` when nobody listens, `timeout` when the answer does not become whole in time
 */
export async function talk({ socket, say, isWhole, timeoutMs }: Talk): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const connection = connect(socket);
  let heard = "";
  const fail = (code: "unreachable" | "timeout", why: string, cause?: unknown): void =>
    reject(new NetloomError({ code, op: "ask the supervisor at", target: socket, why, cause }));
  const deadline = setTimeout(() => fail("timeout", `it has not answered for ${timeoutMs / 1000} s`), timeoutMs);
  connection.setEncoding("utf8");
  connection.on("data", (text: string) => {
    heard += text;
    if (isWhole?.(heard) === true) resolve(heard);
  });
  connection.on("error", (error) => fail("unreachable", describeError(error), error));
  connection.on("close", () => {
    if (isWhole === undefined && heard !== "") resolve(heard);
    else fail("unreachable", "it ended the connection");
  });
  connection.write(say);
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
    connection.destroy();
  }
}
