// Owns a lab with one machine until it is killed. Its parent is told the lab's directory when QEMU was started.
import { readdirSync } from "node:fs";
import { Lab, type LabOptions } from "../harness/lab.ts";

const options = JSON.parse(process.argv[2] ?? "") as LabOptions;
const before = new Set(readdirSync("/tmp"));
const topology = { networks: ["lan"], nodes: { n1: { nics: ["lan"] } } };
const lab = await Lab.start(topology, { ...options, boot: [] });
const work = readdirSync("/tmp").find((name) => name.startsWith("netloom-lab-") && !before.has(name));
const booted = lab.boot(["n1"]);
process.send?.(`/tmp/${work}`);
await booted;
// The agent is up: there is nothing more to do but to exist.
await new Promise(() => setInterval(() => {}, 1000));
