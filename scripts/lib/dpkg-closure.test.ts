import test from "ava";
import { dependencyClosure, parseStatus } from "./dpkg-closure.ts";

const stanza = (name: string, fields: Readonly<Record<string, string>> = {}): string =>
  [
    `Package: ${name}`,
    "Status: install ok installed",
    ...Object.entries(fields).map(([key, value]) => `${key}: ${value}`),
    "Description: x",
    " Depends: not-a-field",
  ].join("\n");

const status = [
  stanza("chrony", { Depends: "adduser (>= 3), libcap2 (>= 1:2.10), iproute2:any | ifupdown", "Pre-Depends": "base" }),
  stanza("adduser", { Depends: "perl-base" }),
  stanza("perl-base"),
  stanza("base"),
  stanza("libcap2", { Depends: "libc6" }),
  stanza("libc6", { Depends: "libcap2" }),
  stanza("iproute2", { Depends: "mail-agent" }),
  stanza("exim", { Provides: "mail-agent (= 4), smtp" }),
  "Package: gone\nStatus: deinstall ok config-files",
].join("\n\n");

test("dependencies are followed through versions, alternatives, cycles and virtual packages", (t) => {
  t.deepEqual(dependencyClosure(parseStatus(status), ["chrony"], new Set(["adduser"])), [
    "base",
    "chrony",
    "exim",
    "iproute2",
    "libc6",
    "libcap2",
  ]);
});

test("a wanted package that is not installed is named", (t) => {
  t.throws(() => dependencyClosure(parseStatus(status), ["gone"], new Set()), { message: /package gone is wanted/ });
});
