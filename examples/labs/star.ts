// A topology in TypeScript, where YAML would repeat itself: a gateway in the middle, eight nodes each on a network of its own.
import type { TopologyDeclaration } from "../../vm-tests/harness/topology-schema.ts";

const arms = Array.from({ length: 8 }, (_, index) => `arm${index + 1}`);

export const topology: TopologyDeclaration = {
  networks: arms,
  nodes: {
    centre: { role: "gateway", nics: arms },
    ...Object.fromEntries(arms.map((arm) => [`on-${arm}`, { nics: [arm] }])),
  },
};
