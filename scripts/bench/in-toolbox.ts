// Runs one bench by its name and prints its figures as JSON. `npm run bench` starts this inside the toolbox.
import { benches } from "./list.ts";

const [, , name] = process.argv;
const bench = benches.find((candidate) => candidate.name === name);
if (bench === undefined) throw new Error(`there is no bench "${name}"`);
const figures = await bench.measure();
process.stdout.write(`${JSON.stringify(figures)}\n`);
