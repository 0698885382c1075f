import type { Engine } from "../engine/engine.ts";

/**
 * Lets the engine make passes until it has chosen an uplink, or that one: one to start asking, one that has the lease, one with the
 * answers. A host in memory has no events of its own.
 */
export async function settleUplink(engine: Engine, nic?: string): Promise<void> {
  const chosen = (): string | undefined => engine.view.compiled?.uplink?.nic.name;
  while (nic === undefined ? chosen() === undefined : chosen() !== nic) {
    engine.wake();
    await engine.nextPass(AbortSignal.timeout(10_000));
  }
}
