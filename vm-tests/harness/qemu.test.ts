import test from "ava";
import { type Machine, qemuArgv } from "./qemu.ts";

const machine: Machine = {
  name: "n1",
  accel: "tcg",
  kernel: "/k/vmlinux",
  initrd: "/k/initrd",
  cmdline: "console=ttyS0 netloom.config=fw_cfg:opt/org.netloom/config",
  memory: 384,
  nics: [
    { mac: "52:54:00:00:00:01", socket: "/tmp/lab/n1.eth0" },
    { mac: "52:54:00:00:00:02", socket: "/tmp/a,b/n1.eth1" },
  ],
  fwCfg: { "opt/org.netloom/config": "dns: [192.0.2.1,192.0.2.2]" },
};

/** The values of an option, in order. */
function values(argv: readonly string[], option: string): readonly string[] {
  return argv.filter((_, index) => argv[index - 1] === option);
}

test("starts the kernel directly, with nothing the user's QEMU configuration adds", (t) => {
  const argv = qemuArgv(machine);
  t.true(argv.includes("-nodefaults") && argv.includes("-no-user-config"));
  t.deepEqual([values(argv, "-kernel"), values(argv, "-m"), values(argv, "-smp")], [["/k/vmlinux"], ["384"], ["1"]]);
  t.deepEqual(values(argv, "-append"), [machine.cmdline]);
});

test("plugs each NIC into its socket, in order, with its address", (t) => {
  const argv = qemuArgv(machine);
  const devices = values(argv, "-device").filter((device) => device.startsWith("virtio-net-pci"));
  t.deepEqual(
    devices.map((device) => /mac=([^,]+)/.exec(device)?.[1]),
    machine.nics.map(({ mac }) => mac),
  );
  t.deepEqual(
    values(argv, "-netdev").map((netdev) => /addr.path=(.*),reconnect-ms/.exec(netdev)?.[1]),
    ["/tmp/lab/n1.eth0", "/tmp/a,,b/n1.eth1"],
  );
});

test("keeps commas of values apart from those of QEMU's options", (t) => {
  t.deepEqual(values(qemuArgv(machine), "-fw_cfg"), ["name=opt/org.netloom/config,string=dns: [192.0.2.1,,192.0.2.2]"]);
});

test("lets the firmware ask one NIC after the other when there is no kernel", (t) => {
  const { kernel: _kernel, initrd: _initrd, ...firmware } = machine;
  const argv = qemuArgv(firmware);
  t.deepEqual([values(argv, "-kernel"), values(argv, "-initrd"), values(argv, "-append")], [[], [], []]);
  const devices = values(argv, "-device").filter((device) => device.startsWith("virtio-net-pci"));
  t.deepEqual(
    devices.map((device) => /(?:bootindex|romfile)=.*/.exec(device)?.[0]),
    ["bootindex=1", "bootindex=2"],
  );
  // Firmware without a screen talks on the serial console.
  t.regex(values(argv, "-machine").join(), /graphics=off/);
  t.notRegex(values(qemuArgv(machine), "-machine").join(), /graphics=off/);
});

test("has a screen only when told so, and boots a kernel without an initramfs", (t) => {
  const screens = (argv: readonly string[]): readonly string[] =>
    values(argv, "-device").filter((device) => device.startsWith("VGA"));
  t.deepEqual(screens(qemuArgv(machine)), []);
  t.deepEqual(screens(qemuArgv({ ...machine, screen: true })), ["VGA"]);
  const { initrd: _initrd, ...alone } = machine;
  t.deepEqual([values(qemuArgv(alone), "-kernel"), values(qemuArgv(alone), "-initrd")], [["/k/vmlinux"], []]);
});

test("asks for KVM, a disk and another time only when told so", (t) => {
  t.regex(qemuArgv(machine).join(" "), /-accel tcg/);
  t.deepEqual(values(qemuArgv({ ...machine, accel: "kvm" }), "-accel"), ["kvm"]);
  t.deepEqual(values(qemuArgv(machine), "-drive"), []);
  t.regex(values(qemuArgv({ ...machine, disk: "/d" }), "-drive").join(), /file=\/d$/);
  t.deepEqual(values(qemuArgv(machine), "-rtc"), []);
  t.deepEqual(values(qemuArgv({ ...machine, rtc: "2020-01-01T00:00:00" }), "-rtc"), ["base=2020-01-01T00:00:00"]);
});
