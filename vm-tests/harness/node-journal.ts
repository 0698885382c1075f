import type { LabNode } from "./node.ts";
import { LineSplitter } from "./lines.ts";

/** One line of a guest's log. */
export type JournalEntry = {
  /** When the guest's clock said that it was written. */
  readonly time: Date;
  /** What wrote it, as far as the line tells: "dnsmasq[88]: started" is of dnsmasq, an object of netloom. */
  readonly service?: string;
  /** The whole line behind its time. */
  readonly text: string;
};

export type JournalOptions = {
  /** Only lines of this service. */
  readonly service?: string;
  /** Only the last ones. */
  readonly lines?: number;
  /** Goes on with what is written from now on, until the loop is left or the guest restarts, which throws. */
  readonly follow?: boolean;
};

/** Where the image keeps what services say: s6-log(8), `current` and the files before it. */
const directory = "/run/log/all";

/**
 * One file after the other in the order of their dates, each by a descriptor that stays with it when it gets another name: no
 * rotation repeats or loses a line. Whether a file is the current one is asked before it is read, for nothing is added to one
 * that is not. A file that was removed while it was open is older than all there are.
 */
const script = `
cd "$0" 2>/dev/null && [ -e current ] || exit 44
is_open() { [ "$1" -ef /proc/$$/fd/3 ]; }
open_next() {
    found='' oldest=''
    for file in @*.[su] current; do
        [ -e "$file" ] || continue
        if [ -n "$found" ]; then exec 3<"$file"; return 0; fi
        if is_open "$file"; then found=yes; fi
        oldest=\${oldest:-$file}
    done
    if [ -n "$found" ]; then return 1; fi
    exec 3<"$oldest"
}
exec 3</dev/null
told=''
until open_next; do sleep 0.1; done
while :; do
    if is_open current; then last=yes; else last=''; fi
    cat <&3
    if [ -z "$last" ]; then open_next || sleep 0.1; continue; fi
    if [ "$1" != follow ]; then exit 0; fi
    if [ -z "$told" ]; then echo "$2"; told=yes; fi
    sleep 0.3
done`;

/** Behind what was there before, so that the last lines of it can be told from those that follow. */
const mark = "-- netloom lab: what follows is new --";

const noJournal = 44;

/** Reads the log of all services of a guest. @throws when it keeps none that the harness knows. */
export async function* readJournal(node: LabNode, options: JournalOptions = {}): AsyncGenerator<JournalEntry, void> {
  const { service, lines = Infinity, follow = false } = options;
  const wanted = (entry: JournalEntry): boolean => service === undefined || entry.service === service;
  const old: JournalEntry[] = [];
  let isOld = true;
  await using stream = openStream(node, follow);
  for await (const line of stream.lines) {
    if (line === mark) {
      yield* last(old, lines);
      isOld = false;
      continue;
    }
    const entry = parseEntry(line);
    if (!wanted(entry)) continue;
    if (isOld) old.push(entry);
    else yield entry;
  }
  if (isOld) yield* last(old, lines);
}

function last(entries: readonly JournalEntry[], count: number): readonly JournalEntry[] {
  return count === Infinity ? entries : count <= 0 ? [] : entries.slice(-count);
}

function openStream(node: LabNode, follow: boolean): { readonly lines: AsyncGenerator<string> } & AsyncDisposable {
  const queue: string[] = [];
  let wake = Promise.withResolvers<void>();
  const splitter = new LineSplitter((line) => {
    queue.push(line);
    wake.resolve();
  });
  const argv = ["sh", "-c", script, directory, follow ? "follow" : "all", mark];
  const program = node.start(argv, { onStdout: (chunk) => splitter.push(chunk) });
  let ended = false;
  const end = program.result.finally(() => {
    ended = true;
    splitter.end();
    wake.resolve();
  });
  end.catch(() => {});
  async function* read(): AsyncGenerator<string> {
    for (;;) {
      const line = queue.shift();
      if (line !== undefined) yield line;
      else if (ended) break;
      else {
        await wake.promise;
        wake = Promise.withResolvers<void>();
      }
    }
    const { code, stderr } = await end;
    if (code === noJournal)
      throw node.failure(`it keeps no journal that the harness can read: there is no ${directory}/current in it`);
    if (code !== 0) throw node.failure(`reading its journal ended with status ${code}: ${stderr.trim()}`);
  }
  return {
    lines: read(),
    [Symbol.asyncDispose]: async () => {
      program.kill("nobody reads it any more");
      await end.catch(() => {});
    },
  };
}

/** A line of s6-log's action `T`: "2026-11-21 04:35:20.123456789  netloom: online". */
export function parseEntry(line: string): JournalEntry {
  const [, day, clock, text = line] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d+) +(.*)$/u.exec(line) ?? [];
  const time = new Date(day === undefined ? Number.NaN : `${day}T${clock?.slice(0, 12)}Z`);
  // The daemon alone writes objects.
  const service = text.startsWith('{"level":') ? "netloom" : /^([\w.-]+)(?:\[\d+\])?: /u.exec(text)?.[1];
  return { time, text, ...(service === undefined ? {} : { service }) };
}
