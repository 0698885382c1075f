/** isspace() of the kernel (lib/ctype.c): tab to carriage return, space, and the space that does not break. */
function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0;
}

const QUOTE = 0x22;

/** A word of the kernel command line as it stands there, and as the kernel reads it. */
export interface Word {
  /** With its quotes. */
  readonly text: string;
  readonly key: string;
  /** Undefined for a word without "=". */
  readonly value?: string;
}

/**
 * The words of a command line, split as next_arg() of lib/cmdline.c does: quotes protect spaces wherever they stand, and go
 * where they enclose the whole word or its value. What follows `--` is for the first program and not for anyone else.
 */
export function splitWords(cmdline: string): readonly Word[] {
  const words: Word[] = [];
  let start = -1;
  let quoted = false;
  for (let at = 0; at <= cmdline.length; at += 1) {
    const code = cmdline.charCodeAt(at);
    if (code === QUOTE) quoted = !quoted;
    const ends = at === cmdline.length || (!quoted && isSpace(code));
    if (!ends && start === -1) start = at;
    if (!ends || start === -1) continue;
    const text = cmdline.slice(start, at);
    if (text === "--") return words;
    words.push(readWord(text));
    start = -1;
  }
  return words;
}

function readWord(text: string): Word {
  const whole = text.startsWith('"') ? unquoted(text) : text;
  const equals = whole.indexOf("=");
  if (equals <= 0) return { text, key: whole };
  return { text, key: whole.slice(0, equals), value: unquoted(whole.slice(equals + 1)) };
}

/** Without the quote that it begins with and the one that ends it. */
function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  return text.length > 1 && text.endsWith('"') ? text.slice(1, -1) : text.slice(1);
}
