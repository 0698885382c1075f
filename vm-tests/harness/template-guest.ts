import type { AgentClient } from "./agent-client.ts";

/**
 * Before services start: holds back all but the agent and the log. What has an identity, or is one, starts in the clone.
 * The agent looks for the file (vm-tests/agent/src/identity.rs).
 */
const hold = `
touch /run/netloom-lab-template
mkdir /etc/netloom/held
cd /etc/netloom/services
for service in *; do
    case $service in agent | console-log) ;; *) mv "$service" /etc/netloom/held ;; esac
done`;

/**
 * Loads what every node needs soon, so that clones find it in their page cache rather than unpack it each. NICs are taken
 * from their driver: a device gets its address when its bus finds it anew, and a clone has addresses of its own.
 */
const warm = `
modprobe -a wireguard bridge veth nf_tables nft_ct nft_masq nft_reject_inet
for nic in /sys/bus/pci/devices/*; do
    case $(cat "$nic/class") in 0x02*) echo "\${nic##*/}" >"$nic/driver/unbind" ;; esac
done
netloom --version`;

const free = "mv /etc/netloom/held/* /etc/netloom/services/ && rmdir /etc/netloom/held";
const start = "/usr/libexec/netloom/configure && s6-svscanctl -a /run/service";

/** All that decides what a template is, for its content hash. */
export const templateRecipe: string = [hold, warm].join();

/** The early stage of a template: it goes on booting, without what must not be shared. */
export async function enterTemplate(agent: AgentClient): Promise<void> {
  await shell(agent, hold);
  await agent.release();
}

/** The last that a template does before it is stopped. */
export async function warmTemplate(agent: AgentClient): Promise<void> {
  await shell(agent, warm);
}

/** The rest of a clone's boot. What `personalise` tells it holds before the first service of a node starts. */
export async function leaveTemplate(agent: AgentClient, personalise: () => Promise<void>): Promise<void> {
  await shell(agent, free);
  await personalise();
  await shell(agent, start);
  await agent.hail();
}

/** Programs are found by PATH, which the first program of a guest does not have. */
async function shell(agent: AgentClient, script: string): Promise<void> {
  const { code, stdout, stderr } = await agent.exec(["/bin/sh", "-c", script], { env: { PATH: "/usr/sbin:/usr/bin" } });
  if (code !== 0) throw new Error(`"${script.trim()}" ended with status ${code}: ${stderr.trim() || stdout.trim()}`);
}
