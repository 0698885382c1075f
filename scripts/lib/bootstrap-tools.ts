import { asRoot, findProgram } from "./privilege.ts";
import { run } from "./process.ts";
import { say } from "./progress.ts";

/** The programs that make and enter the toolbox. */
export type BootstrapTools = {
  readonly bwrap: string;
  readonly debootstrap: string;
  /** Preferred: three times faster than debootstrap. */
  readonly mmdebstrap: string | undefined;
};

/**
 * Finds the few tools that the host itself needs, and installs what is missing with apt.
 * @throws on a host without apt, naming what to install.
 */
export async function bootstrapTools(): Promise<BootstrapTools> {
  const find = (): Partial<BootstrapTools> => {
    const [bwrap, debootstrap, mmdebstrap] = ["bwrap", "debootstrap", "mmdebstrap"].map(findProgram);
    const maker = debootstrap ?? mmdebstrap;
    return { mmdebstrap, ...(bwrap ? { bwrap } : {}), ...(maker ? { debootstrap: maker } : {}) };
  };
  let found = find();
  if (found.bwrap === undefined || found.debootstrap === undefined) {
    const wanted = [
      ...(found.bwrap === undefined ? ["bubblewrap"] : []),
      ...(found.debootstrap === undefined ? ["mmdebstrap", "debian-archive-keyring"] : []),
    ];
    const apt = findProgram("apt-get");
    if (apt === undefined) {
      throw new Error(`the toolbox needs bubblewrap and mmdebstrap (or debootstrap): install ${wanted.join(" and ")}`);
    }
    say("setup", `installing ${wanted.join(", ")} with apt`);
    const quiet = ["env", "DEBIAN_FRONTEND=noninteractive", apt, "-qq"];
    await run(asRoot([...quiet, "update"]));
    await run(asRoot([...quiet, "install", "-y", "--no-install-recommends", ...wanted]));
    found = find();
  }
  const { bwrap, debootstrap, mmdebstrap } = found;
  if (bwrap === undefined || debootstrap === undefined) {
    throw new Error("bwrap and mmdebstrap are still not in PATH after apt installed them");
  }
  return { bwrap, debootstrap, mmdebstrap };
}
