import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { Allocations } from "../engine/allocations.ts";
import { Engine } from "../engine/engine.ts";
import { Guard } from "../engine/guard.ts";
import { NodeState } from "../engine/node-state.ts";
import { selfStatus } from "../engine/self-status.ts";
import { DocumentStore } from "../engine/store.ts";
import { createLog } from "../lib/log.ts";
import { NO_FLAGS } from "../model/boot-flags.ts";
import { lan } from "../testing/builders.ts";
import { MemoryHost } from "../testing/memory-host.ts";
import { yaml } from "../testing/yaml.ts";
import { Service } from "./service.ts";

/** A daemon over a kernel in memory. */
async function service(
  host: MemoryHost,
  root: string,
): Promise<{ readonly service: Service; readonly engine: Engine }> {
  const log = createLog("silent");
  const state = await NodeState.open(root, root, () => undefined);
  const store = new DocumentStore(join(root, "documents"));
  await store.load();
  const { guard } = await Guard.open({ root, host, store, log, seconds: 50, startDetached: () => undefined });
  const allocations = new Allocations(join(root, "allocations"));
  await allocations.load();
  const places = { runtimeDir: join(root, "run"), stateDir: root, appliance: false, flags: NO_FLAGS };
  const engine = new Engine({ host, store, allocations, state, guard, log, ...places });
  await engine.start();
  const self = (): ReturnType<typeof selfStatus> =>
    selfStatus({ host, engine, state, kept: "on disk", appliance: false });
  const supervisor = (): ReturnType<MemoryHost["supervisor"]> => host.supervisor();
  const problems = (): readonly string[] => [];
  return { service: new Service({ engine, state, version: "0", supervisor, problems, self }), engine };
}

test("a status that was asked for during a pass does not say that it worked while it misses what the pass made", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "netloom-service-"));
  const host = new MemoryHost();
  const { service: asked, engine } = await service(host, root);
  t.teardown(async () => {
    await engine[Symbol.asyncDispose]();
    await rm(root, { recursive: true });
  });
  const seen = Promise.withResolvers<undefined>();
  const answers = Promise.withResolvers<undefined>();
  const services = host.services.bind(host);
  host.services = async () => {
    const now = await services();
    seen.resolve(undefined);
    await answers.promise;
    return now;
  };
  const answer = asked.status();
  await seen.promise;
  await asked.apply({ files: [{ name: "text", text: yaml(lan("lab", { cidr: "10.5.0.0/24", dhcp: true })) }] });
  answers.resolve(undefined);
  const before = await answer;
  t.deepEqual([before.lastReconcile?.steps, before.processes, before.documents], [[], [], []]);
  const after = await asked.status();
  t.is(after.lastReconcile?.outcome, "changed");
  t.deepEqual(
    after.processes.map(({ name }) => name),
    ["dnsmasq-lab"],
  );
});
