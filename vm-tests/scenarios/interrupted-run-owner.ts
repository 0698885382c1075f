// Owns a lab with one machine until it is killed. Its parent is told the directory of the lab's sockets when QEMU was started.
import { Lab, type LabOptions } from "../harness/lab.ts";

const options = JSON.parse(process.argv[2] ?? "") as LabOptions;
// An unusual amount of memory makes it a node whose template nobody has made yet.
const memory = Number(process.argv[3] ?? "384");
const topology = { networks: ["lan"], nodes: { n1: { nics: ["lan"], memory } } };
const lab = await Lab.start(topology, { ...options, boot: [] });
const booted = lab.boot(["n1"]);
process.send?.(lab.sockets);
await booted;
// The agent is up: there is nothing more to do but to exist.
await new Promise(() => setInterval(() => {}, 1000));
