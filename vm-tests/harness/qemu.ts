/** What runs guest code: KVM only where a guest was seen to boot with it. */
export type Accelerator = "kvm" | "tcg";

/** What one QEMU process needs to know. */
export type Machine = {
  readonly name: string;
  readonly accel: Accelerator;
  /**
   * An uncompressed ELF kernel with a PVH note need not unpack itself, a quarter of its boot time. Without any the firmware asks
   * the network, NIC by NIC.
   */
  readonly kernel?: string;
  readonly initrd?: string;
  readonly cmdline: string;
  /** MiB */
  readonly memory: number;
  readonly nics: readonly {
    readonly mac: string;
    /** Of the switch; without one it is plugged into nothing. */ readonly socket?: string;
  }[];
  /** Memory in a file: a template leaves its own there, and each clone begins with it and keeps to itself what it changes. */
  readonly ram?: { readonly file: string; readonly of: "template" | "clone" };
  readonly fwCfg: Readonly<Record<string, string>>;
  readonly disk?: string;
  /** UTC, such as "2020-01-01T00:00:00": what the clock says at power-on. The host's time when absent. */
  readonly rtc?: string;
  /** A graphics card; nobody looks at it but `screendump`. */
  readonly screen?: boolean;
};

/** Descriptors that the new process finds open: its standard ones, then two socket pairs. */
export const qmpFd = 3;
export const agentFd = 4;

/** Name of the virtio-serial port that the guest agent opens. */
export const agentPort = "org.netloom.agent.0";

/**
 * The command line of QEMU 10 for a machine. The console is its standard output, QMP and the agent come by inherited socket
 * pairs, so no path, port or connection attempt is involved. Options are from qemu(1).
 */
export function qemuArgv(machine: Machine): readonly string[] {
  const options: readonly Option[] = [
    ["-name", machine.name],
    // A guest that finds a SATA controller waits a third of a second for disks that are not there.
    ["-machine", `q35,sata=off${firmwareConsole(machine)}${machine.ram === undefined ? "" : ",memory-backend=ram"}`],
    ...accelerator(machine.accel),
    ["-smp", "1"],
    ["-m", `${machine.memory}`],
    ...ram(machine),
    // Tells a guest that it is a clone: its kernel then draws new random numbers (drivers/virt/vmgenid.c).
    ["-device", "vmgenid,guid=auto"],
    ["-display", "none"],
    ...kernel(machine),
    ["-chardev", "stdio,id=console,signal=off"],
    ["-serial", "chardev:console"],
    ["-chardev", `socket,id=qmp,fd=${qmpFd}`],
    ["-mon", "chardev=qmp,mode=control"],
    ["-device", "virtio-serial-pci"],
    ["-chardev", `socket,id=agent,fd=${agentFd}`],
    ["-device", `virtserialport,chardev=agent,name=${agentPort}`],
    ["-device", "virtio-rng-pci"],
    ...machine.nics.flatMap((each, index) => nic(each, index, machine.kernel === undefined)),
    ...Object.entries(machine.fwCfg).map(([name, value]): Option => ["-fw_cfg", `name=${name},string=${comma(value)}`]),
    ...(machine.disk === undefined ? [] : disk(machine.disk)),
    ...(machine.screen === true ? [["-device", "VGA"] satisfies Option] : []),
    ...(machine.rtc === undefined ? [] : [["-rtc", `base=${machine.rtc}`] satisfies Option]),
  ];
  return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", ...options.flat()];
}

type Option = readonly [flag: string, value: string];

function accelerator(accel: Accelerator): readonly Option[] {
  // tb-size: the default may reserve 1 GiB for translated code in every process. The programs of the image
  // need x86-64-v2; with "max" a node boots in 3.5 seconds of CPU time, with Nehalem (just v2) in 4.5.
  if (accel === "tcg") {
    return [
      ["-accel", "tcg,thread=multi,tb-size=128"],
      ["-cpu", "max"],
    ];
  }
  return [
    ["-accel", "kvm"],
    ["-cpu", "host"],
  ];
}

function kernel({ kernel: file, initrd, cmdline }: Machine): readonly Option[] {
  // Firmware that found nothing to boot asks again, as hardware does: who is to answer may still be starting.
  if (file === undefined) return [["-boot", "reboot-timeout=1000"]];
  const archive: readonly Option[] = initrd === undefined ? [] : [["-initrd", initrd]];
  return [["-kernel", file], ...archive, ["-append", cmdline]];
}

/** Firmware that has something to do says on the serial console how that goes. */
function firmwareConsole({ kernel: file }: Machine): string {
  return file === undefined ? ",graphics=off" : "";
}

function ram({ ram: file, memory }: Machine): readonly Option[] {
  if (file === undefined) return [];
  const access = file.of === "template" ? "share=on" : "share=off,readonly=on,rom=off";
  const object: Option = [
    "-object",
    `memory-backend-file,id=ram,size=${memory}M,mem-path=${comma(file.file)},${access}`,
  ];
  return file.of === "template" ? [object] : [object, ["-incoming", "defer"]];
}

/** Id of a machine's NIC in QEMU, by its position. */
export function nicId(index: number): string {
  return `nic${index}`;
}

function nic({ mac, socket }: Machine["nics"][number], index: number, boots: boolean): readonly Option[] {
  // Reconnecting lets the switch be replaced under live guests.
  const cable =
    socket === undefined
      ? `hubport,id=net${index},hubid=${index}`
      : `stream,id=net${index},server=off,addr.type=unix,addr.path=${comma(socket)},reconnect-ms=250`;
  return [
    ["-netdev", cable],
    // Without romfile= QEMU loads a boot ROM, which only a boot from the network uses.
    [
      "-device",
      `virtio-net-pci,id=${nicId(index)},netdev=net${index},mac=${mac},${boots ? `bootindex=${index + 1}` : "romfile="}`,
    ],
  ];
}

function disk(file: string): readonly Option[] {
  return [
    ["-drive", `if=none,id=disk0,format=raw,cache=writeback,file=${comma(file)}`],
    ["-device", "virtio-blk-pci,drive=disk0"],
  ];
}

/** QEMU's option parser takes a doubled comma for one. */
function comma(text: string): string {
  return text.replaceAll(",", ",,");
}
