import test from "ava";
import fc from "fast-check";
import { JsonTexts, mapOf, setOf, uuidOf } from "./ovsdb.ts";

test("a stream is cut into its texts wherever the chunks end, whatever the strings in it hold", (t) => {
  const messages = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 5 });
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sent, sizes) => {
      const stream = sent.map((message) => JSON.stringify(message)).join("");
      const texts = new JsonTexts();
      const heard: string[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        heard.push(...texts.take(stream.slice(at, at + size)));
        at += size;
      }
      t.deepEqual(
        heard,
        sent.map((message) => JSON.stringify(message)),
      );
    }),
  );
});

test("values read as RFC 7047 writes them: a set of one member stands alone", (t) => {
  t.deepEqual(setOf(["set", []]), []);
  t.deepEqual(setOf(5), [5]);
  t.deepEqual(setOf(["set", [7, 8]]), [7, 8]);
  t.deepEqual(setOf(["uuid", "u"]).map(uuidOf), ["u"]);
  t.deepEqual([...mapOf(["map", [["netloom", "node"]]])], [["netloom", "node"]]);
  t.deepEqual([...mapOf("")], []);
});
