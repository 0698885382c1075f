import test from "ava";
import { parseEntry } from "./node-journal.ts";

test("reads the time and the service of a line, as far as it tells", (t) => {
  const at = "2026-11-21 04:35:20.123456789  ";
  const time = new Date("2026-11-21T04:35:20.123Z");
  t.deepEqual(parseEntry(`${at}dnsmasq[88]: started`), { time, service: "dnsmasq", text: "dnsmasq[88]: started" });
  t.deepEqual(parseEntry(`${at}udhcpc: lease: lost`), { time, service: "udhcpc", text: "udhcpc: lease: lost" });
  t.like(parseEntry(`${at}{"level":30,"msg":"daemon started"}`), { time, service: "netloom" });
  t.deepEqual(parseEntry(`${at}no name here`), { time, text: "no name here" });
  const torn = parseEntry("not a line of the log");
  t.is(torn.text, "not a line of the log");
  t.true(Number.isNaN(torn.time.getTime()));
});
