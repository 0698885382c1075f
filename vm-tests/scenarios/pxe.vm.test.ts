import { randomBytes } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cpioArchive, cpioModes } from "../../scripts/lib/cpio.ts";
import { run } from "../../scripts/lib/process.ts";
import { summarise } from "../harness/capture.ts";
import type { LabOptions } from "../harness/lab.ts";
import { scenario } from "../harness/scenario.ts";

/** Said on the console by the agent as the first program of a guest (vm-tests/agent/src/probe.rs). */
const token = randomBytes(8).toString("hex");
const address = "192.168.77.1";

const dnsmasq = `interface=eth0
except-interface=lo
bind-dynamic
user=root
pid-file=/run/boot.pid
dhcp-range=192.168.77.100,192.168.77.199,1h
dhcp-boot=boot.ipxe
enable-tftp
tftp-root=/mnt
`;
const service = `mount -t erofs -o ro /dev/vda /mnt
exec dnsmasq --keep-in-foreground --conf-file=/etc/lab/boot.conf`;
const ipxe = `#!ipxe
kernel vmlinuz initrd=initrd console=ttyS0 panic=-1 quiet NETLOOM_PROBE=${token}
initrd initrd
boot
`;

/** A read-only disk with what the client is to boot: a script for its firmware, a kernel, and our agent as its whole system. */
async function bootDisk({ image, agent, artifacts }: LabOptions): Promise<string> {
  const files = join(artifacts, "tftp");
  await mkdir(files);
  const init = { path: "init", mode: cpioModes.program, data: await readFile(agent) };
  await writeFile(join(files, "initrd"), Buffer.concat([...cpioArchive([init])]));
  await writeFile(join(files, "boot.ipxe"), ipxe);
  await copyFile(image.vmlinuz ?? image.vmlinux, join(files, "vmlinuz"));
  const disk = join(artifacts, "tftp.erofs");
  await run(["mkfs.erofs", "--quiet", disk, files]);
  return disk;
}

scenario(
  "a machine without disk and kernel boots both over the network from a Debian node",
  { group: "full" },
  async ({ t, step, startLab, options }) => {
    const disk = await bootDisk(options);
    const own = { "/etc/lab/boot.conf": dnsmasq };
    const addresses = [`${address}/24`];
    const lab = await startLab(
      {
        networks: ["lan"],
        nodes: {
          server: { role: "debian", nics: ["lan"], addresses, disk, services: { boot: service }, files: own },
          client: { role: "pxe-client", nics: ["lan"], memory: 256, ready: new RegExp(`netloom-probe ${token}`, "u") },
        },
      },
      { boot: ["server"] },
    );
    // Else the client asks in vain and begins anew, which takes half a minute.
    await lab.node("server").until("its service", () => lab.node("server").run(["pidof", "dnsmasq"]));
    await step("the client runs what it got", () => lab.boot(["client"]));
    await lab.flush();
    const { protocols } = await summarise(lab.link("client.eth0").capture);
    t.true((protocols["DHCPv4"] ?? 0) >= 4);
    // A request for each file: the script, the kernel and the initramfs.
    t.is(protocols["UDP 69"], 3);
  },
);
