import test from "ava";
import { derivedMac, hostVethName, NAME_MAX, vlanLinkName } from "./ifname.ts";

/** IFNAMSIZ without its final NUL (linux/if.h). */
const IFNAME_MAX = 15;

test("every name of a resource with the longest name is an interface name", (t) => {
  const longest = "x".repeat(NAME_MAX);
  for (const name of [
    `n${longest}`,
    `r${longest}`,
    `m${longest}`,
    `w-${longest}`,
    `l-${longest}`,
    hostVethName(longest, "mycelium"),
  ])
    t.true(name.length <= IFNAME_MAX, name);
});

test("names that share a beginning or an end have veth ends and addresses of their own", (t) => {
  const owners = Array.from({ length: 2000 }, (_unused, n) => `tenant-${n}`);
  const ends = owners.flatMap((owner) => [hostVethName(owner, "private"), hostVethName(owner, "mycelium")]);
  t.is(new Set(ends).size, ends.length);
  t.is(new Set(ends.map(derivedMac)).size, ends.length);
});

test("a MAC is unicast, locally administered, and the same for the same link", (t) => {
  for (const seed of ["rdemo", "l-lab", "ndemo/private"]) {
    t.regex(derivedMac(seed), /^02(?::[0-9a-f]{2}){5}$/u);
    t.is(derivedMac(seed), derivedMac(seed));
  }
});

test("a VLAN link is named after its NIC, and within the kernel's limit after the longest one", (t) => {
  t.is(vlanLinkName("eth0", 100), "eth0.100");
  const [a, b] = [vlanLinkName("enp101s0f0np0v1", 4094), vlanLinkName("enp101s0f0np0v2", 4094)];
  t.not(a, b);
  t.true(a.length <= IFNAME_MAX && a.endsWith(".4094"), a);
});
