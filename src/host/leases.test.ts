import test from "ava";
import { parseLease } from "./leases.ts";

const report =
  "ip=192.168.50.252\nprefix=24\nrouter=192.168.50.1\nserver=192.168.50.1\ndns=192.168.50.1 9.9.9.9\nntp=\nobtained=37\nexpires=3637\n";

test("a report of the DHCP client becomes a lease", (t) => {
  t.deepEqual(parseLease("eth0", report), {
    nic: "eth0",
    address: "192.168.50.252/24",
    router: "192.168.50.1",
    server: "192.168.50.1",
    dns: ["192.168.50.1", "9.9.9.9"],
    ntp: [],
    obtainedAt: 37,
    expiresAt: 3637,
  });
});

test("a lease without a router or a server is one", (t) => {
  const lease = parseLease("eth0", report.replace(/router=.*\nserver=.*\n/u, "router=\nserver=\n"));
  t.is(lease?.router, undefined);
  t.is(lease?.address, "192.168.50.252/24");
});

for (const [what, text] of [
  ["nothing", ""],
  ["half a report", report.slice(0, 30)],
  ["no address", report.replace("192.168.50.252", "")],
  ["a prefix that is none", report.replace("prefix=24", "prefix=33")],
  ["an address that is none", report.replace("ip=192", "ip=1920")],
  ["IPv6", report.replace("ip=192.168.50.252", "ip=fd00::1")],
  ["a lease that ends before it begins", report.replace("expires=3637", "expires=36")],
] as const) {
  test(`${what} is no lease`, (t) => t.is(parseLease("eth0", text), undefined));
}
