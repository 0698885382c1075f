import { createHash } from "node:crypto";
import { inspect } from "node:util";

const REDACTED = "[secret]";
const FINGERPRINT_DIGITS = 16;

/**
 * A value that no log, error, JSON text or inspection can show.
 * Only `reveal()` returns it; call that at the edge where the kernel or a 0600 file needs it.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  /** Equal for equal values, and of no use to whoever wants the value, as long as that is a random key. */
  fingerprint(): string {
    return createHash("sha256").update(this.#value).digest("hex").slice(0, FINGERPRINT_DIGITS);
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  static {
    Object.defineProperty(Secret.prototype, inspect.custom, { value: () => REDACTED });
  }
}
