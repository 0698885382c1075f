import { randomBytes } from "node:crypto";
import type { ExecutionContext } from "ava";
import { netnsCreate, netnsDelete } from "../host/addon.ts";

/** Group of the links that tests make, and of `lo` in their namespaces: no daemon's. */
export const TEST_GROUP = 777;

/** A namespace that lives as long as the test, and its path. */
export async function freshNetns(t: ExecutionContext): Promise<string> {
  const name = `t-${randomBytes(6).toString("hex")}`;
  await netnsCreate(name, TEST_GROUP);
  t.teardown(() => netnsDelete(name));
  return `/run/netns/${name}`;
}
