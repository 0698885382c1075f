import type { AgentClient } from "./agent-client.ts";

/**
 * Tells a guest to end itself, by a program that may be gone before it has answered. Never resolves: race it with what is to come
 * of it. @throws when the program could not be started or did not want to.
 */
export async function orderEnd(agent: AgentClient, program: "reboot" | "poweroff"): Promise<never> {
  try {
    const { code, stdout, stderr } = await agent.exec([program]);
    if (code !== 0 && code !== null)
      throw new Error(`"${program}" in the guest ended with status ${code}: ${stderr.trim() || stdout.trim()}`);
  } catch (error) {
    // A guest that has gone has no greeting any more.
    if (agent.hello !== undefined) throw error;
  }
  return await new Promise<never>(() => {});
}
