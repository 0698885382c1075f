import test from "ava";
import fc from "fast-check";
import { parseLease4, parseLease6 } from "./lease-report.ts";
import { anyText } from "../testing/any-text.ts";

const fields4 = {
  ip: "192.168.50.252",
  prefix: "24",
  router: "192.168.50.1 192.168.50.2",
  routes: "",
  server: "192.168.50.1",
  dns: "192.168.50.1 9.9.9.9",
  ntp: "192.168.50.3",
  hostname: "node-7",
  domain: "example.org",
  search: "lab.example. example.org",
  mtu: "1400",
  carrier: "3",
  obtained: "37",
  expires: "3637",
};
const fields6 = {
  addresses: "2001:db8:5::14d/128,1837,3637 ",
  prefixes: "2001:db8:100::/56,1837,3637 ",
  server: "000100013294317b32043704ff01",
  dns: "2001:db8:5::53 fe80::1",
  ntp: " 2001:db8:5::124",
  search: "example.org",
  carrier: "3",
  obtained: "37",
};
const text = (fields: Readonly<Record<string, string>>): string =>
  Object.entries(fields)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
const four = (change: Partial<typeof fields4> = {}): ReturnType<typeof parseLease4> =>
  parseLease4("eth0", text({ ...fields4, ...change }));
const six = (change: Readonly<Record<string, string>> = {}): ReturnType<typeof parseLease6> =>
  parseLease6("eth0", text({ ...fields6, ...change }));

const lease4 = {
  nic: "eth0",
  address: "192.168.50.252/24",
  router: "192.168.50.1",
  server: "192.168.50.1",
  dns: ["192.168.50.1", "9.9.9.9"],
  ntp: ["192.168.50.3"],
  search: ["lab.example", "example.org"],
  hostname: "node-7",
  mtu: 1400,
  carrierUps: 3,
  obtainedAt: 37,
  expiresAt: 3637,
};

test("a report of udhcpc becomes a lease", (t) => {
  t.deepEqual(four(), lease4);
});

test("a lease needs an address and its time only", (t) => {
  const bare = text({ ip: "192.168.50.252", prefix: "24", obtained: "37", expires: "3637" });
  const expected = {
    nic: "eth0",
    address: "192.168.50.252/24",
    dns: [],
    ntp: [],
    search: [],
    obtainedAt: 37,
    expiresAt: 3637,
  };
  t.deepEqual(parseLease4("eth0", bare), expected);
});

test("classless routes replace the router option", (t) => {
  const routes = "10.9.8.7/8 192.168.50.4 198.51.100.0/24 0.0.0.0";
  t.like(four({ routes: `${routes} 0.0.0.0/0 192.168.50.9` }), {
    router: "192.168.50.9",
    routes: [{ to: "10.0.0.0/8", via: "192.168.50.4" }, { to: "198.51.100.0/24" }],
  });
  t.is(four({ routes })?.router, undefined);
});

test("of many classless routes the default is not the one that is left out", (t) => {
  const many = Array.from({ length: 50 }, (_unused, at) => `10.${at}.0.0/16 192.168.50.4`);
  const lease = four({ routes: [...many, "0.0.0.0/0 192.168.50.9"].join(" ") });
  t.is(lease?.router, "192.168.50.9");
  t.is(lease?.routes?.length, 50);
  const flood = Array.from({ length: 5000 }, (_unused, at) => `10.${at % 250}.${at % 200}.0/24 192.168.50.4`);
  t.true((four({ routes: flood.join(" ") })?.routes?.length ?? 0) <= 64);
});

test("a host name that the kernel has no room for is cut to its first part", (t) => {
  const whole = `node-7.${"rack4.".repeat(12)}example.org`;
  t.is(four({ hostname: whole })?.hostname, "node-7");
  t.is(four({ hostname: `node-7.${"a".repeat(57)}` })?.hostname, `node-7.${"a".repeat(57)}`);
});

test("the domain is searched when there is no search list", (t) => {
  t.deepEqual(four({ search: "" })?.search, ["example.org"]);
});

test("a report of dhcpcd becomes a lease", (t) => {
  t.deepEqual(six(), {
    nic: "eth0",
    addresses: [{ address: "2001:db8:5::14d/128", preferredUntil: 1837, validUntil: 3637 }],
    prefixes: [{ prefix: "2001:db8:100::/56", preferredUntil: 1837, validUntil: 3637 }],
    server: fields6.server,
    dns: ["2001:db8:5::53", "fe80::1"],
    ntp: ["2001:db8:5::124"],
    search: ["example.org"],
    carrierUps: 3,
    obtainedAt: 37,
  });
});

test("a server that gives no address may give name servers", (t) => {
  t.like(six({ addresses: "", prefixes: "" }), { addresses: [], prefixes: [], dns: ["2001:db8:5::53", "fe80::1"] });
});

test("a lease from before the NIC got carrier again ends 15 s later", (t) => {
  const doubted = parseLease6("eth0", `${text(fields6)}doubted=100\n`);
  t.deepEqual(doubted?.addresses, [{ address: "2001:db8:5::14d/128", preferredUntil: 115, validUntil: 115 }]);
  t.is(doubted?.doubtedUntil, 115);
});

for (const [what, report] of [
  ["nothing", ""],
  ["half a report", text(fields4).slice(0, 30)],
  ["a report whose end is missing", text(fields4).slice(0, -1)],
  ["no address", text({ ...fields4, ip: "" })],
  ["a prefix that is none", text({ ...fields4, prefix: "33" })],
  ["a prefix that is all of the Internet", text({ ...fields4, prefix: "0" })],
  ["an address that is none", text({ ...fields4, ip: "1920.168.50.252" })],
  ["a multicast address", text({ ...fields4, ip: "224.0.0.9" })],
  ["a loopback address", text({ ...fields4, ip: "127.0.0.1" })],
  ["IPv6", text({ ...fields4, ip: "fd00::1" })],
  ["a lease that ends before it begins", text({ ...fields4, expires: "36" })],
  ["a time that is none", text({ ...fields4, expires: "1e9" })],
  ["a key that is there twice", `${text(fields4)}ip=192.0.2.1\n`],
  ["a line that is none", `${text(fields4)}rm -rf\n`],
] as const) {
  test(`${what} is no lease`, (t) => t.is(parseLease4("eth0", report), undefined));
}

test("what no server can rightly say is left out, and the rest holds", (t) => {
  const odd = four({
    router: "127.0.0.1 192.168.50.1",
    dns: "0.0.0.0 300.1.1.1 9.9.9.9 9.9.9.9 fd00::53",
    search: "ok.example -bad.example $(reboot) a..b",
    hostname: "../../etc",
    mtu: "68",
    server: "224.0.0.1",
  });
  t.like(odd, {
    router: "192.168.50.1",
    dns: ["9.9.9.9"],
    search: ["ok.example"],
    hostname: undefined,
    mtu: undefined,
  });
  t.is(odd?.server, undefined);
  const addresses =
    "::1/128,99,99 ff02::1/128,99,99 fe80::5/128,99,99 2001:db8::5/129,99,99 2001:db8::6/128,99 2001:db8::7/128,50,99";
  t.deepEqual(six({ addresses, prefixes: "2001:db8:1::/65,99,99 2001:db8:2:3::9/60,99,99" }), {
    ...six(),
    addresses: [{ address: "2001:db8::7/128", preferredUntil: 50, validUntil: 99 }],
    prefixes: [{ prefix: "2001:db8:2::/60", preferredUntil: 99, validUntil: 99 }],
  } as ReturnType<typeof parseLease6>);
});

test("no report does harm: any text, and any damage to a true one", (t) => {
  const word = fc.constantFrom(
    "",
    "\n",
    "=",
    " ",
    "/",
    ",",
    "0",
    "-1",
    "::",
    "999999999999",
    "\0",
    "fe80::1%eth0",
    "9.9.9.9",
  );
  const value = fc.oneof(
    fc.string(),
    anyText,
    fc.array(word).map((all) => all.join("")),
  );
  const changed = (fields: Readonly<Record<string, string>>): fc.Arbitrary<string> =>
    fc.dictionary(fc.constantFrom(...Object.keys(fields)), value).map((change) => text({ ...fields, ...change }));
  const parsed = (report: string): void => {
    const [found4, found6] = [parseLease4("eth0", report), parseLease6("eth0", report)];
    const named = [found4?.search, found6?.search, [found4?.hostname ?? ""]].flatMap((names) => names ?? []);
    for (const name of named) t.regex(name, /^[A-Za-z0-9.-]*$/u);
    for (const { validUntil } of found6?.addresses ?? []) t.true(Number.isSafeInteger(validUntil));
  };
  fc.assert(fc.property(fc.oneof(value, changed(fields4), changed(fields6)), parsed), { numRuns: 2000 });
});
