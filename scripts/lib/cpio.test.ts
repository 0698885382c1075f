import test from "ava";
import { type CpioEntry, cpioArchive, cpioModes } from "./cpio.ts";

/** Reads an archive by the kernel's description of the format, not by the writer's code. */
function read(archive: Buffer): { path: string; mode: number; data: string }[] {
  const entries: { path: string; mode: number; data: string }[] = [];
  for (let at = 0; at < archive.length;) {
    const field = (index: number): number =>
      Number.parseInt(archive.toString("latin1", at + 6 + index * 8, at + 14 + index * 8), 16);
    const align = (offset: number): number => Math.ceil(offset / 4) * 4;
    const name = archive.toString("utf8", at + 110, at + 110 + field(11) - 1);
    const start = align(at + 110 + field(11));
    entries.push({ path: name, mode: field(1), data: archive.toString("utf8", start, start + field(6)) });
    at = align(start + field(6));
  }
  return entries;
}

const entries: CpioEntry[] = [
  { path: "bin", mode: cpioModes.directory },
  { path: "bin/a", mode: cpioModes.program, data: Buffer.from("12345") },
  { path: "bin/link", mode: cpioModes.link, data: Buffer.from("a") },
  { path: "e", mode: cpioModes.file, data: Buffer.from("") },
];

test("an archive reads back, and one after the other is one archive", (t) => {
  const archive = Buffer.concat([...cpioArchive(entries)]);
  const twice = read(Buffer.concat([archive, archive]));
  t.is(archive.length % 4, 0);
  t.deepEqual(
    twice.slice(0, 5).map(({ path, data }) => `${path}=${data}`),
    ["bin=", "bin/a=12345", "bin/link=a", "e=", "TRAILER!!!="],
  );
  t.is(twice.length, 10);
  t.is(twice[1]?.mode, 0o100755);
});

test("the same entries give the same bytes", (t) => {
  t.deepEqual(Buffer.concat([...cpioArchive(entries)]), Buffer.concat([...cpioArchive(entries)]));
});
