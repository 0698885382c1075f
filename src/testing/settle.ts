import type { Engine } from "../engine/engine.ts";

/** Lets the engine make passes until it has chosen an uplink: one to start asking, one that has the lease, one with the answers. */
export async function settleUplink(engine: Engine): Promise<void> {
  while (engine.view.compiled?.uplink === null) {
    engine.wake();
    await engine.nextPass(AbortSignal.timeout(10_000));
  }
}
