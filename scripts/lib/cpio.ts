/** One entry of an initramfs; directories must come before what is in them. */
export type CpioEntry = {
  /** Without a leading slash. */
  readonly path: string;
  /** Type and permission bits, as st_mode of stat(2). */
  readonly mode: number;
  /** The content of a file, or the target of a symbolic link. */
  readonly data?: Uint8Array;
};

/** st_mode of a directory, a file, an executable and a symbolic link. */
export const cpioModes = { directory: 0o040755, file: 0o100644, program: 0o100755, link: 0o120777 } as const;

const empty = new Uint8Array(0);

/**
 * An archive in the "newc" format, which the kernel unpacks as initramfs (Documentation/driver-api/early-userspace/
 * buffer-format.rst). Owner is root, dates are zero: the same entries give the same bytes. Archives may be concatenated.
 */
export function* cpioArchive(entries: Iterable<CpioEntry>): Generator<Uint8Array> {
  let inode = 1;
  for (const { path, mode, data = empty } of entries) {
    yield header(inode, path, mode, data.length);
    yield data;
    yield padding(data.length);
    inode += 1;
  }
  yield header(0, "TRAILER!!!", 0, 0);
}

/** Header and name, padded to four bytes together. */
function header(inode: number, path: string, mode: number, size: number): Uint8Array {
  const name = Buffer.from(`${path}\0`);
  const links = (mode & 0o170000) === 0o040000 ? 2 : 1;
  const fields = [inode, mode, 0, 0, links, 0, size, 0, 0, 0, 0, name.length, 0];
  const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`);
  return Buffer.concat([head, name, padding(head.length + name.length)]);
}

function padding(length: number): Uint8Array {
  return new Uint8Array((4 - (length % 4)) % 4);
}
