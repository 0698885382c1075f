import type { Sandbox } from "./sandbox.ts";

const RUN = "/run/openvswitch";
const SOCKET = `${RUN}/db.sock`;

/** Debian's Open vSwitch in a sandbox, at its usual places, started as its service does. It ends with the sandbox. */
export async function startOpenVswitch(
  sandbox: Sandbox,
  { daemon = true }: { readonly daemon?: boolean } = {},
): Promise<void> {
  const database = `${sandbox.dir}/conf.db`;
  await sandbox.output(["mkdir", "-p", RUN]);
  await sandbox.output(["ovsdb-tool", "create", database, "/usr/share/openvswitch/vswitch.ovsschema"]);
  sandbox.start(["ovsdb-server", database, `--remote=punix:${SOCKET}`, `--unixctl=${RUN}/db.ctl`]);
  await sandbox.until("ovsdb-server", async () => {
    const { code } = await sandbox.run(["ovs-vsctl", "--no-wait", "--timeout=5", "init"]);
    return code === 0 ? true : undefined;
  });
  if (daemon) await startVswitchd(sandbox);
}

/** The daemon that makes what the database says. */
export async function startVswitchd(sandbox: Sandbox): Promise<void> {
  sandbox.start(["ovs-vswitchd", `unix:${SOCKET}`, `--unixctl=${RUN}/vswitchd.ctl`]);
  await sandbox.until("ovs-vswitchd", async () => {
    const { code } = await sandbox.run(["ovs-appctl", `--target=${RUN}/vswitchd.ctl`, "version"]);
    return code === 0 ? true : undefined;
  });
}
