import { Writable } from "node:stream";
import { inspect } from "node:util";
import test from "ava";
import fc from "fast-check";
import pino from "pino";
import { describeError, NetloomError } from "../lib/errors.ts";
import { Secret } from "../lib/secret.ts";
import { facts, lan, node, peer, resource, testKey } from "../testing/builders.ts";
import { emptyKernel } from "../testing/memory-kernel.ts";
import { compile } from "./compile.ts";
import { diff } from "./diff/index.ts";
import { explain } from "./explain.ts";

/** Everything that a value may be turned into on its way to a person or a file. */
function everyText(value: unknown): string {
  const logged: string[] = [];
  const log = pino(
    { level: "trace" },
    new Writable({ write: (chunk: Buffer, _encoding, done) => (logged.push(chunk.toString()), done()) }),
  );
  log.info(value);
  log.info({ deep: { deeper: { value } } }, "text");
  const error = new NetloomError({
    code: "failed",
    op: "use",
    target: String(value),
    why: inspect(value),
    cause: value,
  });
  log.error(error);
  log.error({ err: new Error("outer", { cause: error }) });
  return [
    JSON.stringify(value),
    JSON.stringify({ value }),
    inspect(value, { depth: null, showHidden: true }),
    String(value),
    Object.prototype.toString.call(value),
    describeError(error),
    inspect(error, { depth: null }),
    error.stack ?? "",
    JSON.stringify(structuredCloneable(value)),
    ...logged,
  ].join("\n");
}

/** Members and symbols of a value and what they hold, as a careless dump would show them. */
function structuredCloneable(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Reflect.ownKeys(value).map((key) => [String(key), structuredCloneable(Reflect.get(value, key))]);
}

test("no text of facts, targets, steps or errors tells a private key, whatever the documents", (t) => {
  const seeds = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(seeds, fc.boolean(), (names, withLan) => {
      const keys = names.map((name) => testKey(`private ${name}`));
      const resources = names.map((name, n) =>
        resource(`demo${n}`, {
          subnet: `10.10.${n + 1}.0/24`,
          wireguard: { listenPort: 51820 + n, peers: [peer(name, { allowedIps: ["10.10.99.0/24"] })] },
        }),
      );
      const known = facts({
        wireguardKeys: Object.fromEntries(
          names.map((name, n) => [
            `demo${n}`,
            { privateKey: new Secret(keys[n] ?? ""), publicKey: testKey(`public ${name}`) },
          ]),
        ),
      });
      const { target } = compile([node(), ...(withLan ? [lan("lab", { dhcp: true })] : []), ...resources], known);
      const { steps } = diff(emptyKernel(), target);
      t.true(steps.some(({ op }) => op === "wireguard.device"));
      const text = [known, target, steps, ...steps].map(everyText).join("\n") + steps.map(explain).join("\n");
      for (const key of keys) t.false(text.includes(key) || text.includes(key.slice(0, 24)));
    }),
    { numRuns: 10 },
  );
});
