import test from "ava";
import { zosMac } from "./zos-mac.ts";

test("addresses are those of Zero-OS", (t) => {
  const vectors: Readonly<Record<string, string>> = {
    "": "d6:1d:8c:d9:8f:00",
    B: "9e:5e:d6:78:fe:57",
    A34YUGenHKyhjDMAUKZe4cVDtJM2wQ4n4XRkfGUUEYdy: "8a:d3:36:10:7e:e9",
    "node1-ndmz4": "ae:c4:c5:61:9e:ff",
    "node1-public": "ea:d6:f3:77:fa:40",
    "pub:zdb1": "ae:c6:3f:4e:aa:e7",
    "b-MmMazKYsmFmjx": "fe:af:0f:70:8b:e7",
    "m-MmMazKYsmFmjx": "d2:0f:7e:af:fd:ba",
  };
  t.deepEqual(Object.fromEntries(Object.keys(vectors).map((text) => [text, zosMac(text)])), vectors);
});

test("every address is locally administered and of one host", (t) => {
  for (let n = 0; n < 2000; n += 1) {
    const [first = ""] = zosMac(`node ${n}`).split(":");
    t.is(Number.parseInt(first, 16) & 0x03, 0x02, first);
  }
});
