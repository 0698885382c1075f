/** Name servers of the node and of namespaces, and the filter of what comes in, looked at from where users are. */
import test from "ava";
import type { Status } from "../model/report.ts";
import { lan, node as nodeDocument, resource } from "../testing/builders.ts";
import { Provider } from "../testing/provider.ts";
import { BINARY, SOURCE, TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const base = { uplink: { mode: "dhcp4", nics: ["up0"] } } as const;

function online(node: TestNode): Promise<Status> {
  return node.sandbox.until(`the node to be online; the daemon said ${node.said()}`, async () => {
    const status = await node.client.status();
    return status.online && status.uplink !== null ? status : undefined;
  });
}

/** A file of the node without its first line, which is the mark; or of a namespace, as programs in there see it. */
async function resolver(node: TestNode, netns?: string): Promise<string> {
  const inside = netns === undefined ? [] : ["ip", "netns", "exec", netns];
  const { out } = await node.sandbox.run([...inside, "cat", "/etc/resolv.conf"]);
  return out.replace(/^# Netloom .*\n/u, "");
}

async function resolverIs(node: TestNode, text: string): Promise<true> {
  return await node.sandbox.until(`resolv.conf to be ${text}`, async () =>
    (await resolver(node)) === text ? true : undefined,
  );
}

for (const runtime of [SOURCE, BINARY]) {
  test(`${runtime.title}: resolv.conf follows the lease and the document on a machine of ours, and is mended`, async (t) => {
    const more = [
      "dhcp-option=option:dns-server,192.168.50.1,192.0.2.9",
      "dhcp-option=option:domain-search,a.test,b.test",
    ];
    const node = await TestNode.start(t, {
      runtime,
      config: { "node.yaml": yaml(nodeDocument(base)) },
      words: ["--appliance"],
      prepare: async ({ sandbox }) => {
        await sandbox.output(["sh", "-c", "rm -f /etc/resolv.conf; echo nameserver 198.51.100.1 >/etc/resolv.conf"]);
        await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50", more });
      },
    });
    await online(node);
    const leased = "search a.test b.test\nnameserver 192.168.50.1\nnameserver 192.0.2.9\n";
    await resolverIs(node, leased);
    await node.sandbox.output(["sh", "-c", "echo nameserver 198.51.100.66 >/etc/resolv.conf"]);
    await resolverIs(node, leased);
    await node.sandbox.output(["rm", "/etc/resolv.conf"]);
    await resolverIs(node, leased);
    t.like(await node.applyConfirmed(yaml(nodeDocument({ ...base, dns: ["198.51.100.2", "192.0.2.9"] }))), { code: 0 });
    t.is(
      await resolver(node),
      "search a.test b.test\nnameserver 198.51.100.2\nnameserver 192.0.2.9\nnameserver 192.168.50.1\n",
    );
  });
}

test("name servers of the kernel command line are asked before those of the lease, or instead of them", async (t) => {
  const more = ["dhcp-option=option:dns-server,192.168.50.1"];
  const prepare = async ({ sandbox }: TestNode): Promise<void> => {
    await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50", more });
  };
  const flags = "netloom.nic=up0 ip=dhcp nameserver=198.51.100.7 netloom.dns=2001:db8::7";
  const words = ["--appliance"];
  const node = await TestNode.start(t, { cmdline: flags, words, prepare });
  const own = "nameserver 198.51.100.7\nnameserver 2001:db8::7\n";
  await resolverIs(node, `${own}nameserver 192.168.50.1\n`);
  const alone = await TestNode.start(t, { cmdline: `${flags} rd.peerdns=0`, words, prepare });
  await online(alone);
  await resolverIs(alone, own);
  t.pass();
});

test("beside other programs resolv.conf is theirs; a namespace's is ours unless somebody has made one", async (t) => {
  const theirs = "nameserver 198.51.100.1\n";
  const side = { nic: "pub0", addresses: ["203.0.113.5/24"], gateways: ["203.0.113.1"], dns: ["203.0.113.1"] };
  const node = await TestNode.start(t, {
    config: { "node.yaml": yaml(nodeDocument(base)) },
    prepare: async ({ sandbox }) => {
      await sandbox.output(["sh", "-c", "rm -f /etc/resolv.conf; echo nameserver 198.51.100.1 >/etc/resolv.conf"]);
      await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" });
      await sandbox.cable("pub0", "outside");
    },
  });
  await online(node);
  const document = nodeDocument({ ...base, public: side });
  t.like(await node.applyConfirmed(yaml(document)), { code: 0, err: "" });
  t.is(await resolver(node), theirs);
  t.is(await resolver(node, "public"), "nameserver 203.0.113.1\n");
  t.like(await node.applyConfirmed(yaml(nodeDocument(base))), { code: 0 });
  t.is(await node.sandbox.output(["find", "/etc/netns"]), "/etc/netns\n");

  await node.sandbox.output(["sh", "-c", "mkdir /etc/netns/public; echo mine >/etc/netns/public/resolv.conf"]);
  const refused = await node.applyConfirmed(yaml(document));
  t.is(refused.code, 1);
  t.regex(refused.err, /file \/etc\/netns\/public\/resolv\.conf exists and is not Netloom's/u);
  t.is(await resolver(node, "public"), "mine\n");
  t.like(await node.applyConfirmed(yaml(nodeDocument(base))), { code: 0 });
  t.is(await node.sandbox.output(["cat", "/etc/netns/public/resolv.conf"]), "mine\n");
});

/** Servers on ports of both protocols and families, which say their port to whoever asks. */
const SERVERS = `
const [tcp, udp] = JSON.parse(process.argv[1]);
let left = tcp.length + udp.length;
const ready = () => --left === 0 && console.log("ready");
for (const port of tcp) require("net").createServer((socket) => socket.end(String(port))).listen(port, "::", ready);
for (const port of udp) {
  const socket = require("dgram").createSocket("udp6");
  socket.on("message", (_text, from) => socket.send(String(port), from.port, from.address)).bind(port, "::", ready);
}
`;

/** What each of some ports of a host says: itself, "refused" or "silent". */
const ASK = `
const [host, tcp, udp] = JSON.parse(process.argv[1]);
const answers = {};
const left = new Set([...tcp.map((port) => "tcp/" + port), ...udp.map((port) => "udp/" + port)]);
const done = (name, answer) => {
  if (!left.delete(name)) return;
  answers[name] = answer;
  if (left.size === 0) { console.log(JSON.stringify(answers)); process.exit(); }
};
for (const port of tcp) {
  const socket = require("net").connect(port, host);
  socket.on("data", () => done("tcp/" + port, "open")).on("error", (error) => done("tcp/" + port, error.code === "ECONNREFUSED" ? "refused" : error.code));
}
for (const port of udp) {
  const socket = require("dgram").createSocket("udp4");
  socket.on("message", () => done("udp/" + port, "open"));
  socket.send("hello", port, host);
}
setTimeout(() => left.forEach((name) => done(name, "silent")), 1000);
`;

test("from outside only ICMP, WireGuard's ports and what the node opens are let in; LANs are not filtered", async (t) => {
  const lab = lan("lab", { cidr: "10.5.0.0/24", nics: ["lan0"] });
  const demo = resource("demo", { wireguard: { listenPort: 51820, peers: [] } });
  const node = await TestNode.start(t, {
    config: { "node.yaml": yaml(nodeDocument(base), lab) },
    prepare: async ({ sandbox }) => {
      await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" });
      await sandbox.cable("lan0", "box");
      await sandbox.ip("-n box address add 10.5.0.9/24 dev eth0");
    },
  });
  const address = (await online(node)).uplink?.address?.split("/")[0] ?? "";
  const servers = node.sandbox.start([
    process.execPath,
    "-e",
    SERVERS,
    JSON.stringify([
      [22, 80, 8005],
      [51820, 7],
    ]),
  ]);
  await node.sandbox.until("the servers", () => Promise.resolve(servers.said().includes("ready") ? true : undefined));
  const ask = async (netns: string, host: string): Promise<Readonly<Record<string, string>>> => {
    const words = JSON.stringify([host, [22, 80, 8005], [51820, 7]]);
    const text = await node.sandbox.output([process.execPath, "-e", ASK, words], netns);
    return JSON.parse(text) as Record<string, string>;
  };
  /** An open port may take longer to answer than is waited for a silent one, while the machine is busy. */
  const answersAre = async (netns: string, host: string, wanted: Readonly<Record<string, string>>): Promise<void> => {
    let seen = await ask(netns, host);
    const late = (name: string): boolean => wanted[name] === "open" && seen[name] === "silent";
    await node.sandbox.until("open ports to answer", async () => {
      if (!Object.keys(wanted).some(late)) return true;
      seen = await ask(netns, host);
      return undefined;
    });
    t.deepEqual(seen, wanted);
  };
  const closed = {
    "tcp/22": "silent",
    "tcp/80": "silent",
    "tcp/8005": "silent",
    "udp/51820": "silent",
    "udp/7": "silent",
  };
  await answersAre("isp", address, closed);
  await node.sandbox.output(["ping", "-c", "1", "-W", "5", address], "isp");
  // What begins here is answered.
  await node.sandbox.output(["ping", "-c", "1", "-W", "5", "192.168.50.1"]);

  const open = ["tcp/22", "tcp/8000-8010"];
  await node.applyConfirmed(yaml(nodeDocument({ ...base, firewall: { open } }), demo));
  const opened = { ...closed, "tcp/22": "open", "tcp/8005": "open", "udp/51820": "open" };
  await answersAre("isp", address, opened);
  await node.netloom(["delete", "NetworkResource", "demo"]);
  await answersAre("isp", address, { ...opened, "udp/51820": "silent" });

  const everything = Object.fromEntries(Object.keys(closed).map((port) => [port, "open"]));
  await answersAre("box", "10.5.0.1", everything);

  t.like(await node.applyConfirmed(yaml(nodeDocument({ ...base, firewall: { mode: "off" } }))), { code: 0 });
  await answersAre("isp", address, everything);
});
