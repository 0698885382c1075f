import test from "ava";
import type { Lease6Fact, LeaseFact } from "../model/facts.ts";
import type { Addressing } from "../model/settings.ts";
import { lease, nic } from "../testing/builders.ts";
import { emptyKernel } from "../testing/memory-kernel.ts";
import { diff } from "./diff/index.ts";
import { explain } from "./explain.ts";
import { LEVEL } from "./nic-network.ts";
import { compileAddresses, compileOwnAddresses } from "./uplink-addresses.ts";

const AUTO: Addressing = { dhcp4: true, dhcp6: "auto", ra: true, addresses: [], gateways: [] };
const six: Lease6Fact = {
  nic: "eth0",
  addresses: [{ address: "2001:db8:5::17/128", preferredUntil: 1805, validUntil: 3605 }],
  prefixes: [],
  dns: [],
  ntp: [],
  search: [],
  obtainedAt: 5,
};

interface Given {
  readonly addressing?: Partial<Addressing>;
  readonly lease4?: Partial<LeaseFact>;
  readonly lease6?: Lease6Fact;
}

const compiled = ({ addressing, lease4, lease6 }: Given, compile = compileAddresses): readonly string[] => {
  const probe = {
    since: 1,
    ...(lease4 === undefined ? {} : { lease4: lease("eth0", lease4) }),
    ...(lease6 === undefined ? {} : { lease6 }),
  };
  const network = { nic: nic("eth0", { probe }), addresses: [], gateways: [], level: LEVEL.nothing };
  const objects = compile({ netns: "", dev: "zos" }, { ...network, addressing: { ...AUTO, ...addressing } });
  return diff(emptyKernel(), objects).steps.map(explain);
};

test("addresses last as long as their leases, and lead out by the lease's router", (t) => {
  t.deepEqual(compiled({ lease4: {}, lease6: six }), [
    "ip addr add 192.168.50.17/24 dev zos valid-until 3605",
    "ip addr add 2001:db8:5::17/128 dev zos valid-until 3605 preferred-until 1805",
    "ip route replace default via 192.168.50.1 dev zos metric 1024",
  ]);
});

test("a lease for ever is an address for ever, and so is what is configured, whoever else gives it for a time", (t) => {
  const addresses = ["192.168.50.17/24", "2001:db8:5::17/128"];
  const four = { obtainedAt: 5, expiresAt: 5 + 0xff_ff_ff_ff };
  t.deepEqual(compiled({ lease4: four }), [
    "ip addr add 192.168.50.17/24 dev zos",
    "ip route replace default via 192.168.50.1 dev zos metric 1024",
  ]);
  t.deepEqual(compiled({ addressing: { addresses }, lease4: {}, lease6: six }, compileOwnAddresses), [
    "ip addr add 192.168.50.17/24 dev zos",
    "ip addr add 2001:db8:5::17/128 dev zos",
  ]);
});

test("classless routes are routes, also by who is in no network of ours", (t) => {
  const routes = [{ to: "10.0.0.0/8", via: "192.168.50.4" }, { to: "198.51.100.0/24" }];
  t.deepEqual(compiled({ lease4: { address: "192.168.50.17/32", routes } }), [
    "ip addr add 192.168.50.17/32 dev zos valid-until 3605",
    "ip route replace 10.0.0.0/8 via 192.168.50.4 dev zos metric 1024 onlink",
    "ip route replace 198.51.100.0/24 dev zos metric 1024",
    "ip route replace default via 192.168.50.1 dev zos metric 1024 onlink",
  ]);
  t.is(compiled({ lease4: { routes } }, compileOwnAddresses).length, 3);
});

test("a router that somebody configured outside of all networks is on the link, as hosters have it", (t) => {
  const addressing = {
    dhcp4: false,
    addresses: ["192.0.2.7/32", "2001:db8::7/64"],
    gateways: ["172.31.1.1", "fe80::1"],
  };
  t.deepEqual(compiled({ addressing }), [
    "ip addr add 192.0.2.7/32 dev zos",
    "ip addr add 2001:db8::7/64 dev zos",
    "ip route replace default via 172.31.1.1 dev zos metric 1024 onlink",
    "ip -6 route replace default via fe80::1 dev zos metric 1024",
  ]);
});

test("a router that somebody configured takes the place of the lease's", (t) => {
  t.deepEqual(compiled({ addressing: { gateways: ["192.168.50.9"] }, lease4: {} }).slice(1), [
    "ip route replace default via 192.168.50.9 dev zos metric 1024",
  ]);
});

test("what was heard before the client was taken away is no address", (t) => {
  t.deepEqual(compiled({ addressing: { dhcp4: false, dhcp6: false }, lease4: {}, lease6: six }), []);
});
