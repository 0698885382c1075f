import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { formatIssue } from "../../src/model/report.ts";
import { linksOf } from "./topology.ts";
import { loadTopology, parseTopology } from "./topology-file.ts";

const examples = join(import.meta.dirname, "../../examples/labs");

function issuesOf(text: string): readonly string[] {
  const parsed = parseTopology("lab.yaml", text);
  return "issues" in parsed ? parsed.issues.map(formatIssue) : [];
}

for (const name of readdirSync(examples)) {
  test(`examples/labs/${name} can be started`, async (t) => {
    const loaded = await loadTopology(join(examples, name));
    t.is(loaded.name, name.replace(/\.\w+$/u, ""));
    t.true(linksOf(loaded.topology, 1).length > 1);
  });
}

test("every topology in the README of labs can be started", (t) => {
  const text = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
  const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/gu)].map(([, block]) => block ?? "");
  t.true(blocks.length > 0);
  for (const block of blocks) t.deepEqual(issuesOf(block), []);
});

test("a module that exports no topology says so", async (t) => {
  const file = join(import.meta.dirname, "topology.ts");
  await t.throwsAsync(loadTopology(file), { message: /topology\.ts: it exports no `topology`/u });
});

test("every mistake in a file is told at once, with its line and the nearest known name", (t) => {
  const text = `networks: [lan]
nodes:
  gw:
    role: gatway
    nics: [lan]
  router:
    role: nat-router
    nics: [lan]
    insde: 10.0.0.0/24
    via: 10.0.0.300
  n1:
    nics:
      - network: lan
        los: 5%
        delay: 50
    memory: much
    files:
      etc/x: ""
      /etc/y: { content: x, mode: 755 }
  n2:
    role: debian
    nics: [lan]
    services: { ../x: "exec true" }
  n3:
    nics: [lam]
`;
  t.deepEqual(issuesOf(text), [
    "lab.yaml:4: nodes.gw.role 'gatway' is no role, did you mean gateway? (the roles are gateway, nat-router, debian, pxe-client)",
    "lab.yaml:9: nodes.router.insde is not a known key, did you mean inside?",
    "lab.yaml:10: nodes.router.via is not an IP address",
    "lab.yaml:14: nodes.n1.nics.0.los is not a known key, did you mean loss?",
    "lab.yaml:15: nodes.n1.nics.0.delay is no text with a unit, such as 5%, 50ms or 10mbit: quote it",
    "lab.yaml:16: nodes.n1.memory is no number of MiB",
    "lab.yaml:18: nodes.n1.files.etc/x is no absolute path in the guest",
    'lab.yaml:19: nodes.n1.files./etc/y.mode is no text: quote it, as in "0755"',
    "lab.yaml:23: nodes.n2.services.../x is no name of a service: a-z, 0-9 and -, a letter first",
    'lab.yaml:25: nodes.n3.nics.0 node "n3" is plugged into "lam", did you mean lan? (the networks are lan)',
  ]);
});

test("what single nodes do not show is told with its line too", (t) => {
  const text = `networks: [lan, wan]
nodes:
  gw: { role: gateway, nics: [lan, wan], cidr: 10.0.0.0/24 }
  router:
    role: nat-router
    nics: [wan, lan]
  alone: { role: nat-router, nics: [wan] }
  n1:
    nics: [lann]
  n2:
    nics: [{ network: lan, jitter: 5ms }]
`;
  t.deepEqual(issuesOf(text), [
    "lab.yaml:3: nodes.gw.cidr is for a gateway with one NIC, this one has 2",
    'lab.yaml:6: nodes.router.nics.1 node "router" would be a second DHCP server in "lan" beside "gw"',
    "lab.yaml:7: nodes.alone.nics a nat-router has two NICs, outside and inside, not 1",
    'lab.yaml:9: nodes.n1.nics.0 node "n1" is plugged into "lann", did you mean lan? (the networks are lan, wan)',
    'lab.yaml:11: nodes.n2.nics.0 jitter needs a delay to vary, such as "delay: 50ms"',
  ]);
});

test("what is no topology at all is told in words", (t) => {
  t.deepEqual(issuesOf(""), ["lab.yaml:1: holds no topology: a mapping with networks and nodes is expected"]);
  t.deepEqual(issuesOf("nodes: {}\n---\nnodes: {}\n"), ["lab.yaml:1: holds several documents: a topology is one"]);
  t.deepEqual(issuesOf("nodes: [n1]\n"), ["lab.yaml:1: nodes.0 is no mapping of keys to values"]);
  t.deepEqual(issuesOf("nodes:\n  n1:\n"), ["lab.yaml:2: nodes.n1 is no mapping of keys to values"]);
  t.deepEqual(issuesOf("nodes: {}\n"), ["lab.yaml:1: nodes a topology needs a node"]);
  t.regex(issuesOf("nodes:\n  n1: {\n").join("\n"), /^lab\.yaml:\d+: /u);
});

test("files of the host are found from where the topology file is", async (t) => {
  await t.throwsAsync(loadTopology("/nowhere/lab.yaml"), { message: /cannot load the topology \/nowhere\/lab\.yaml/u });
  const text = `nodes: { n1: { nics: [], files: { /bin/x: { from: ./x, mode: "0755" }, /etc/y: y } } }\n`;
  const parsed = parseTopology("lab.yaml", text);
  t.like(parsed, { declared: { nodes: { n1: { files: { "/bin/x": { from: "./x", mode: 0o755 }, "/etc/y": "y" } } } } });
});
