import test from "ava";
import { agingSeconds } from "./learning-table.ts";
import { Segment } from "./segment.ts";

const broadcast = "ffffffffffff";
const [alice, bob, carol] = ["525400000001", "525400000002", "525400000003"];

function network(): (from: string, source: string, target: string, now?: number) => string[] {
  const segment = new Segment<string>();
  for (const port of ["a", "b", "c"]) segment.add(port);
  return (from, source, target, now = 0) => {
    const frame = Buffer.from(`${target}${source}0800`, "hex");
    const reached: string[] = [];
    segment.forward(from, frame, 0, frame.length, now, (port) => reached.push(port));
    return reached;
  };
}

test("floods what it does not know, and only to others", (t) => {
  t.deepEqual(network()("a", alice, bob), ["b", "c"]);
});

test("sends to the one port behind which an address was heard", (t) => {
  const send = network();
  send("b", bob, broadcast);
  t.deepEqual(send("a", alice, bob), ["b"]);
  t.deepEqual(send("c", carol, alice), ["a"]);
  t.deepEqual(send("a", alice, broadcast), ["b", "c"]);
});

test("follows an address that moves, and forgets one that is silent", (t) => {
  const send = network();
  send("b", bob, broadcast);
  send("c", bob, broadcast, 10);
  t.deepEqual(send("a", alice, bob, 10), ["c"]);
  t.deepEqual(send("a", alice, bob, 11 + agingSeconds), ["b", "c"]);
});

test("does not send a frame back, nor learn a group address, nor forward a stump", (t) => {
  const send = network();
  send("a", alice, broadcast);
  t.deepEqual(send("a", bob, alice), []);
  send("b", "010000000001", broadcast);
  t.deepEqual(send("a", alice, "010000000001"), ["b", "c"]);
  const segment = new Segment<string>();
  segment.add("a");
  segment.add("b");
  segment.forward("a", Buffer.alloc(13), 0, 13, 0, () => t.fail());
});
