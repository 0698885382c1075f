import { StringDecoder } from "node:string_decoder";

/** Cuts a stream of bytes into lines of UTF-8 text. A line longer than `limit` characters is handed on in pieces. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #limit: number;
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";

  constructor(onLine: (line: string) => void, limit: number = 8 * 1024 * 1024) {
    this.#onLine = onLine;
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    const text = this.#decoder.write(chunk);
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      const line = this.#rest + text.slice(start, end);
      this.#rest = "";
      start = end + 1;
      this.#onLine(line);
    }
    this.#rest += text.slice(start);
    if (this.#rest.length > this.#limit) this.end();
  }

  /** Hands on what is left without a line end. */
  end(): void {
    const line = this.#rest;
    this.#rest = "";
    if (line !== "") this.#onLine(line);
  }
}
