import { inspect } from "node:util";

const REDACTED = "[secret]";

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
