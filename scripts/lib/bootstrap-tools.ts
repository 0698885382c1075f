import { asRoot, findProgram } from "./privilege.ts";
import { run } from "./process.ts";
import { say } from "./progress.ts";

/** The programs that make and enter the toolbox. */
export type BootstrapTools = { readonly bwrap: string; readonly mmdebstrap: string };

/** Debian packages of these programs; the keyring tells mmdebstrap whom to believe, also on other distributions. */
const packages = ["bubblewrap", "mmdebstrap", "debian-archive-keyring"];

/**
 * Finds the few tools that the host itself needs, and installs them with apt when one is missing.
 * @throws on a host without apt, naming what to install.
 */
export async function bootstrapTools(): Promise<BootstrapTools> {
  const found = findTools();
  if (found !== undefined) return found;
  const apt = findProgram("apt-get");
  if (apt === undefined) throw new Error(`the toolbox needs bwrap and mmdebstrap: install ${packages.join(", ")}`);
  say("setup", `installing ${packages.join(", ")} with apt`);
  const quiet = ["env", "DEBIAN_FRONTEND=noninteractive", apt, "-qq"];
  await run(asRoot([...quiet, "update"]));
  await run(asRoot([...quiet, "install", "-y", "--no-install-recommends", ...packages]));
  const installed = findTools();
  if (installed === undefined) throw new Error("bwrap or mmdebstrap is still not in PATH after apt installed them");
  return installed;
}

function findTools(): BootstrapTools | undefined {
  const [bwrap, mmdebstrap] = ["bwrap", "mmdebstrap"].map(findProgram);
  return bwrap === undefined || mmdebstrap === undefined ? undefined : { bwrap, mmdebstrap };
}
