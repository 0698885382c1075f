import type { ScenarioReport } from "./report.ts";

/** A report of a scenario that passed, for tests of what is made of reports. */
export const sampleReport: ScenarioReport = {
  version: 2,
  scenario: "three-nodes",
  title: "three nodes",
  file: "vm-tests/scenarios/three-nodes.vm.test.ts",
  group: "smoke",
  outcome: "passed",
  started: "2026-11-21T05:00:00.000Z",
  seconds: 12.3,
  seed: 7,
  replay: "npm run lab -- test vm-tests/scenarios/three-nodes.vm.test.ts --seed 7",
  accelerator: { accel: "tcg", provenBy: "this machine has no /dev/kvm", bootSeconds: 2.1 },
  host: { cpus: 2, loadBefore: [0.5, 0.6, 0.7], loadAfter: [1.5, 0.9, 0.8], patience: 1 },
  steps: [{ name: "every node has its address", start: 0, end: 2.5, ok: true, detail: "3 of 3" }],
  events: [
    { at: 0, of: "n1", what: "boot", detail: "clone" },
    { at: 1.5, of: "n1", what: "up" },
    { at: 2, of: "n1.eth0", what: "link", detail: "down" },
    { at: 12, of: "n1", what: "off", detail: "QEMU ended with status 0" },
  ],
  nodes: [{ name: "n1", console: "n1.console.log" }],
  links: [{ name: "n1.eth0", network: "lan", capture: "n1.eth0.pcapng" }],
  files: ["topology.svg"],
};
