import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import type { AccelVerdict } from "./accel.ts";
import { bootSource } from "./boot-source.ts";
import type { NodeSpec } from "./topology.ts";

const directory = await mkdtemp(join(tmpdir(), "netloom-boot-source-"));
// What is made is kept in a cache, which is not that of the user here.
process.env["NETLOOM_CACHE"] = directory;

const file = (name: string): string => join(directory, name);
for (const name of ["image-initrd", "own-initrd", "agent"]) await writeFile(file(name), `content of ${name}`);

const image = { vmlinux: "/i/vmlinux", vmlinuz: "/i/vmlinuz", initrd: file("image-initrd"), cmdline: "quiet image" };
const accel: AccelVerdict = { accel: "kvm", provenBy: "a test", bootSeconds: 1 };
const source = (spec: Partial<NodeSpec>): ReturnType<typeof bootSource> =>
  bootSource({ nics: [], ...spec }, { image, agent: file("agent"), accel });
const archive = async (path: string | undefined): Promise<string> =>
  path === undefined ? "" : readFile(path, "latin1");

test.after.always(async () => rm(directory, { recursive: true }));

test("boots the image with the agent behind its initramfs, and without it where none is wanted", async (t) => {
  const { kernel, initrd, cmdline } = await source({});
  t.is(kernel, "/i/vmlinux");
  t.regex(
    await archive(initrd),
    /^content of image-initrd\0+[^]*extra\/usr\/lib\/netloom-agent\0[^]*content of agent/u,
  );
  t.regex(await archive(initrd), /extra\/etc\/netloom\/services\/agent\/run/u);
  t.regex(cmdline, /^console=ttyS0 quiet image /u);
  t.is((await source({ agent: false })).initrd, image.initrd);
});

test("boots what a node brings, with nothing of the image but the kernel it may lack", async (t) => {
  const both = await source({ kernel: "/own/kernel", initrd: file("own-initrd") });
  t.like(both, { kernel: "/own/kernel", cmdline: "console=ttyS0" });
  t.regex(await archive(both.initrd), /^content of own-initrd\0+[^]*netloom-agent\0[^]*content of agent/u);
  t.notRegex(await archive(both.initrd), /services\/agent/u);
  t.is((await source({ initrd: file("own-initrd") })).kernel, "/i/vmlinux");
  const alone = await source({ kernel: "/own/kernel" });
  t.regex(await archive(alone.initrd), /^070701[^]*netloom-agent\0[^]*content of agent/u);
  t.deepEqual(await source({ kernel: "/own/kernel", agent: false }), {
    kernel: "/own/kernel",
    cmdline: "console=ttyS0",
  });
});

test("gives firmware nothing that is to ask the network, and a screen the kernel that looks for it", async (t) => {
  t.deepEqual(await source({ boot: "network", agent: false }), { cmdline: "" });
  const { kernel, cmdline } = await source({ screen: true });
  t.is(kernel, "/i/vmlinuz");
  t.regex(cmdline, /^console=tty0 console=ttyS0 /u);
});
