import test from "ava";
import type { NicFact } from "./facts.ts";
import { isNicPattern, matchesNic } from "./nic-pattern.ts";

const nic: NicFact = {
  name: "enp0s3",
  mac: "52:54:00:aa:bb:cc",
  permanentMac: "52:54:00:12:34:56",
  physical: true,
  carrier: true,
  driver: "virtio_net",
  pci: "0000:00:03.0",
  speed: 1000,
};

const MEANS = [
  "enp0s3",
  "en*",
  "*",
  "enp?s3",
  "52:54:00:aa:bb:cc",
  "52:54:00:12:34:56",
  "52-54-00-AA-BB-CC",
  "mac:52:54:00:12:34:56",
  "mac:52:54:*",
  "driver:virtio_net",
  "driver:virtio*",
  "0000:00:03.0",
  "00:03.0",
  "pci:0000:00:03.0",
  "pci:00:03.0",
  "pci:0000:00:*",
  "speed:1000",
  "speed:=1000",
  "speed:>=1000",
  "speed:<=1000",
  "speed:>100",
  "speed:<2500",
  "speed>=1000",
];
const MEANS_NOT = [
  "eth0",
  "enp0s",
  "52:54:00:aa:bb:cd",
  "mac:52:54:01:*",
  "driver:virtio",
  "driver:e1000",
  "00:04.0",
  "pci:0000:01:*",
  "speed:100",
  "speed:>1000",
  "speed:<1000",
  "speed:>=2500",
];
const NONE = [
  "",
  "a b",
  "driver:",
  "pci:xyz",
  "mac:zz",
  "speed:fast",
  "speed:>=",
  "vendor:intel",
  "a-name-that-is-too-long",
  "eth0/1",
  "driver:a b",
];

test("a NIC is meant by name, MAC of now and of the hardware, driver, PCI address and speed", (t) => {
  for (const pattern of MEANS) t.true(matchesNic(pattern, nic), pattern);
  for (const pattern of MEANS_NOT) t.false(matchesNic(pattern, nic), pattern);
});

test("what a NIC does not tell, no pattern meets", (t) => {
  const plain: NicFact = { name: "eth0", mac: "52:54:00:00:00:01", physical: true, carrier: true };
  for (const pattern of ["driver:*", "pci:*", "speed:>=0", "speed:<99999"]) {
    t.true(isNicPattern(pattern), pattern);
    t.false(matchesNic(pattern, plain), pattern);
  }
});

test("a text that is no pattern is told apart, and means nothing", (t) => {
  for (const pattern of [...MEANS, ...MEANS_NOT]) t.true(isNicPattern(pattern), pattern);
  for (const pattern of NONE) {
    t.false(isNicPattern(pattern), pattern);
    t.false(matchesNic(pattern, { ...nic, name: pattern }), pattern);
  }
});
