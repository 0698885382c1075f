/** Which NIC becomes the uplink, when networks of all sorts are at the other ends of real cables. */
import test from "ava";
import type { Status } from "../model/report.ts";
import { parseFactsFile } from "../model/facts-file.ts";
import { bootPlan } from "../plan/boot-plan.ts";
import type { UplinkPolicy } from "../model/document.ts";
import { lan, node as nodeDocument, resource } from "../testing/builders.ts";
import { lookAtLinks } from "../testing/look-at-links.ts";
import { ownReport } from "../testing/own-report.ts";
import { Provider } from "../testing/provider.ts";
import type { Sandbox } from "../testing/sandbox.ts";
import { BINARY, TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const uplink = (part: Partial<UplinkPolicy> = {}): Readonly<Record<string, string>> => ({
  "node.yaml": yaml(nodeDocument({ uplink: { mode: "dhcp4", nics: ["up*"], ...part } })),
});

function when<T>(node: TestNode, what: string, attempt: (status: Status) => T | undefined): Promise<T> {
  return node.sandbox.until(`${what}; the daemon said ${node.said()}`, async () => attempt(await node.client.status()));
}

const online = (node: TestNode, nic?: string): Promise<Status> =>
  when(node, "the node to be online", (status) =>
    status.online && (nic === undefined || status.uplink?.nic === nic) ? status : undefined,
  );

/** The process id of the uplink's own DHCP client. */
const bridgeClient = (node: TestNode): Promise<number> =>
  when(
    node,
    "the client on the bridge",
    ({ processes }) => processes.find(({ name }) => name === "dhcp-zos")?.pid ?? undefined,
  );

const probes = async (node: TestNode): Promise<readonly string[]> =>
  (await node.sandbox.ip("netns list"))
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter((name) => name.startsWith("probe-"));

const probesGone = (node: TestNode): Promise<true> =>
  node.sandbox.until("the probes to be gone", async () => ((await probes(node)).length === 0 ? true : undefined));

/** What `ip -j -s -s link` says of one. */
interface LinkShown {
  readonly ifname: string;
  readonly address: string;
  readonly stats64: { readonly tx: { readonly carrier_changes: number } };
}

const macOf = async (node: TestNode, link: string): Promise<string | undefined> =>
  /link\/ether (\S+)/u.exec(await node.sandbox.ip(`-o link show ${link}`))?.[1];

const clients = async (sandbox: Sandbox): Promise<number> =>
  [...(await sandbox.processes()).values()].filter((line) => line.startsWith("udhcpc ")).length;

test("three of four NICs are unplugged, silent, or lead nowhere: the right one is the uplink at once, and the record says why", async (t) => {
  const node = await TestNode.start(t, {
    runtime: BINARY,
    config: uplink(),
    prepare: async ({ sandbox }) => {
      await sandbox.cable("up0", "unplugged");
      await sandbox.ip("-n unplugged link set eth0 down");
      await sandbox.cable("up1", "silent");
      // The router that its lease names is not there.
      await Provider.start(sandbox, {
        nic: "up2",
        netns: "nowhere",
        network: "192.168.52",
        more: ["dhcp-option=3,192.168.52.254"],
      });
      await Provider.start(sandbox, { nic: "up3", netns: "isp", network: "192.168.53" });
    },
  });
  const status = await online(node, "up3");
  const told = new Map(status.decision.map(({ nic, chosen, reasons }) => [nic, { chosen, why: reasons.join(", ") }]));
  t.deepEqual(told.get("up0"), { chosen: false, why: "has no carrier, up3 had more" });
  t.deepEqual(told.get("up1"), { chosen: false, why: "has carrier, no DHCPv4 answer yet, up3 had more" });
  t.regex(
    told.get("up2")?.why ?? "",
    /^has carrier, (?:no DHCPv4 answer yet|DHCPv4 lease 192\.168\.52\.\d+\/24 [^,]*, gateway 192\.168\.52\.254 [^,]*), up3 had more$/u,
  );
  t.regex(
    told.get("up3")?.why ?? "",
    /^has carrier, DHCPv4 lease 192\.168\.53\.\d+\/24 from 192\.168\.53\.1, gateway 192\.168\.53\.1 by up3 answers, first NIC with all that is asked for$/u,
  );
  t.like(status.onlineChecks, {
    address: { ok: true },
    route: { ok: true, why: "via 192.168.53.1 on zos" },
    check: null,
  });

  // Within one probe timeout of the first look at its network, and all that was made for asking is gone.
  const { since = 0 } = status.facts?.nics.find(({ name }) => name === "up3")?.probe ?? {};
  t.true((status.facts?.now ?? Infinity) - since < 20, JSON.stringify(status.facts));
  await probesGone(node);
  await node.sandbox.until("one client", async () => ((await clients(node.sandbox)) === 1 ? true : undefined));

  // The same facts lead to the same decision, anywhere.
  const { out, code } = await node.netloom(["status", "--facts"]);
  t.is(code, 0);
  const file = parseFactsFile(out);
  if ("issues" in file) return t.fail(file.issues.join("\n"));
  t.deepEqual(bootPlan("quiet", file).decision, status.decision);
});

test("a lease whose router is not there is taken when the time is over, and left for a NIC that appears later and has all", async (t) => {
  const node = await TestNode.start(t, {
    config: uplink({ probeTimeout: 6 }),
    prepare: async ({ sandbox }) =>
      void (await Provider.start(sandbox, {
        nic: "up0",
        netns: "nowhere",
        network: "192.168.52",
        more: ["dhcp-option=3,192.168.52.254"],
      })),
  });
  const status = await online(node, "up0");
  t.regex(
    status.decision[0]?.reasons.join(", ") ?? "",
    /gateway 192\.168\.52\.254 by \S+ does not answer, (?:best of what there was within 6 s|was the uplink before, and no other has more)$/u,
  );
  t.is(status.decision[0]?.had.gateway, null);

  await Provider.start(node.sandbox, { nic: "up1", netns: "isp", network: "192.168.53" });
  const moved = await online(node, "up1");
  t.like(moved.uplink, { router: "192.168.53.1", link: "zos" });
  t.regex(
    moved.decision.find(({ nic }) => nic === "up1")?.reasons.at(-1) ?? "",
    /has more than up0, which was the uplink before/u,
  );
  t.is(await node.sandbox.ip("-br link show master zos up").then((text) => text.split(/[@\s]/u)[0]), "up1");
  // The bridge is that of the new NIC now, for the LAN as well.
  t.is(await macOf(node, "zos"), await macOf(node, "up1"));
});

test("two NICs on one LAN do not flap, neither while both work nor when a switch restarts a port", async (t) => {
  const node = await TestNode.start(t, {
    config: uplink(),
    prepare: async ({ sandbox }) =>
      void (await Provider.switched(sandbox, { nics: ["up0", "up1"], netns: "isp", network: "192.168.50" })),
  });
  const { uplink: first, decision } = await online(node);
  // Those of the first choice go once the lease of the other NIC is given back.
  await probesGone(node);
  const nic = first?.nic ?? "";
  const pid = await bridgeClient(node);
  const port = nic === "up0" ? "eth0" : "eth1";
  // By one program, at once: a cable that is pulled for two seconds is another matter.
  const restart = ["down", "up"].map((state) => `link set ${port} ${state}\n`).join("");
  t.like(await node.sandbox.run(["ip", "-n", "isp", "-batch", "-"], { input: restart }), { code: 0 });
  // It is another cable to the daemon, and so another client that has asked on it. Whoever would take over has had the time: the other
  // NIC is asked, and answers, in a fraction of it.
  await node.sandbox.until("another client", async () => ((await bridgeClient(node)) === pid ? undefined : true));
  await ownReport(node, "dhcp-zos", `${nic}.4`);
  const after = await when(node, "the node to be online again", (status) => (status.online ? status : undefined));
  t.is(after.uplink?.nic, nic);
  t.deepEqual(after.decision, decision, "nothing new was decided");
  t.deepEqual(await probes(node), []);
});

test("the node is one station with one lease on its LAN: over the choice, a kill of the daemon and one of the client", async (t) => {
  let provider: Provider | undefined;
  const node = await TestNode.start(t, {
    config: uplink(),
    prepare: async ({ sandbox }) => {
      provider = await Provider.switched(sandbox, { nics: ["up0"], netns: "isp", network: "192.168.50" });
    },
  });
  const { uplink: first } = await online(node, "up0");
  const pid = await bridgeClient(node);
  await node.stopDaemon("SIGKILL");
  process.kill(pid, "SIGKILL");
  await node.startDaemon();
  await when(node, "another client", ({ processes }) =>
    processes.find(({ name, pid: now }) => name === "dhcp-zos" && now !== null && now !== pid),
  );
  // The server has answered it, and writes no more.
  await ownReport(node, "dhcp-zos", "up0.4");
  const mac = (await macOf(node, "up0")) ?? "none";
  t.like(await online(node, "up0"), { uplink: { address: first?.address ?? "" } });
  t.deepEqual(await provider?.leases(), [{ mac, address: first?.address?.replace(/\/.*/u, "") ?? "none" }]);
  // All stations that the provider's switch has seen by this cable.
  const seen = await node.sandbox.output(["bridge", "fdb", "show", "br", "sw", "dynamic"], "isp");
  const stations = seen
    .split("\n")
    .filter((line) => line.includes("dev eth0"))
    .map((line) => line.split(" ")[0]);
  t.deepEqual(stations, [mac]);
});

test("LANs, network resources and members come and go, and the uplink never loses its carrier", async (t) => {
  const node = await TestNode.start(t, {
    runtime: BINARY,
    config: uplink(),
    prepare: async ({ sandbox }) =>
      void (await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" })),
  });
  await online(node);
  const changes = async (): Promise<readonly unknown[]> => {
    const links = JSON.parse(await lookAtLinks(node.sandbox, "ip -j -s -s link show")) as readonly LinkShown[];
    return links
      .filter(({ ifname }) => ["up0", "zos"].includes(ifname))
      .map(({ ifname, address, stats64 }) => ({ ifname, address, changes: stats64.tx.carrier_changes }));
  };
  const before = await changes();
  for (let round = 0; round < 3; round += 1) {
    t.like(await node.apply(yaml(lan("lab", { cidr: "10.5.0.0/24", dhcp: true }), resource("demo"))), {
      code: 0,
      err: "",
    });
    for (const [kind, name] of [
      ["Lan", "lab"],
      ["NetworkResource", "demo"],
    ] as const)
      await node.client.delete(kind, name);
  }
  t.deepEqual(await changes(), before);
  t.is(before.length, 2);
  t.true((await node.client.status()).online);
});

test("a check that is configured decides about being online, and is shown by itself", async (t) => {
  const [tcp, icmp] = ["tcp://192.168.50.1:8053", "icmp://192.168.50.1"];
  const node = await TestNode.start(t, {
    config: uplink({ checks: [tcp, icmp], probeTimeout: 2 }),
    prepare: async ({ sandbox }) =>
      void (await Provider.start(sandbox, { nic: "up0", netns: "isp", network: "192.168.50" })),
  });
  const refused = await when(node, "a choice", (status) => (status.uplink === null ? undefined : status));
  t.false(refused.online);
  t.like(refused.onlineChecks, {
    address: { ok: true },
    route: { ok: true },
    check: { ok: false, why: `${tcp} does not answer: Connection refused` },
  });
  const listen = 'require("node:net").createServer((socket) => socket.end()).listen(8053, "192.168.50.1")';
  node.sandbox.start([process.execPath, "-e", listen], "isp");
  const status = await online(node);
  t.deepEqual(status.onlineChecks?.check, { ok: true, why: `${tcp} ${icmp} answered` });
});
