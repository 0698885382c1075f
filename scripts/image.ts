// `npm run image`: builds what ships and the image, and prints where its files are.
import { buildAddon, buildBinary } from "./lib/build.ts";
import { ensureImage } from "./lib/image.ts";
import { ensureBase } from "./lib/image-base.ts";
import { fail, say } from "./lib/progress.ts";
import { together } from "./lib/together.ts";
import { ensureToolbox } from "./lib/toolbox.ts";

try {
  await ensureToolbox();
  await together(buildBinary, buildAddon, ensureBase);
  const image = await ensureImage();
  say("image", `${image.vmlinux} + ${image.initrd}`);
  say("image", `command line: ${image.cmdline}`);
} catch (error) {
  fail(error);
}
