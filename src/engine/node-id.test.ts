import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { nic } from "../testing/builders.ts";
import { NodeId } from "./node-id.ts";

async function directory(t: ExecutionContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "netloom-id-"));
  t.teardown(() => rm(dir, { recursive: true }));
  return dir;
}

const eth0 = nic("eth0", { mac: "52:54:00:00:00:01" });
const earlier = nic("eno1", { mac: "52:54:00:00:00:02" });

test("a node is told apart by its first NIC, and stays the same once that is written down", async (t) => {
  const dir = await directory(t);
  const id = new NodeId(dir);
  t.is(await id.of([]), undefined);
  t.is(await id.of([eth0]), eth0.mac);
  t.is(await id.of([eth0, earlier]), eth0.mac);
  // Not kept: another start asks the NICs again, as one without a disk does.
  t.is(await new NodeId(dir).of([eth0, earlier]), earlier.mac);
  await id.keep();
  t.is(await new NodeId(dir).of([earlier]), eth0.mac);
});

test("an id that somebody wrote wins, and is not overwritten", async (t) => {
  const dir = await directory(t);
  await writeFile(join(dir, "node-id"), "A34YUGenHKyhjDMAUKZe4cVDtJM2wQ4n4XRkfGUUEYdy\n");
  const id = new NodeId(dir);
  t.is(await id.of([eth0]), "A34YUGenHKyhjDMAUKZe4cVDtJM2wQ4n4XRkfGUUEYdy");
  await id.keep();
  t.is(await readFile(join(dir, "node-id"), "utf8"), "A34YUGenHKyhjDMAUKZe4cVDtJM2wQ4n4XRkfGUUEYdy\n");
});
