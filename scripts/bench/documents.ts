import type { NetworkResourceDocument } from "../../src/model/document.ts";
import { resource } from "../../src/testing/builders.ts";

/** Network resources without WireGuard, numbered from `first`, each with a /24 that no other one has. */
export function resources(first: number, count: number): readonly NetworkResourceDocument[] {
  return Array.from({ length: count }, (_unused, i) => {
    const [high, low] = [1 + Math.floor((first + i) / 250), (first + i) % 250];
    return resource(`d${first + i}`, { subnet: `10.${high}.${low}.0/24`, range: `10.${high}.0.0/16` });
  });
}
