import fc from "fast-check";

/** How many code points lie between those of the basic plane and its end: halves of surrogate pairs, which no text has. */
const halves = { from: 0xd800, count: 0x800 };

const codePoint = fc.nat({ max: 0x10ffff - halves.count }).map(
  (at) => String.fromCodePoint(at < halves.from ? at : at + halves.count),
  (text) => {
    const point = typeof text === "string" ? text.codePointAt(0) : undefined;
    if (point === undefined || text !== String.fromCodePoint(point)) throw new Error("not one code point");
    return point < halves.from ? point : point - halves.count;
  },
);

/**
 * Texts of all code points, and those that fast-check finds dangerous (`__proto__` and the like) among them. It is
 * `fc.string({ unit: "binary" })`, which makes a table of all 1,112,064 code points first: a processor second in each process.
 */
export const anyText: fc.Arbitrary<string> = fc.string({ unit: codePoint });
