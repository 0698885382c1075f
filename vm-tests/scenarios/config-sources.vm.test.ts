import { createHash } from "node:crypto";
import { scenario } from "../harness/scenario.ts";
import type { Topology } from "../harness/topology.ts";
import { GATEWAY, GATEWAY_ADDRESS, NETWORK } from "./gateway.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const PORT = 8080;
/** A quarter of what the smallest machine has. */
const FREE_KIB = 96 * 1024;

const firmware = "apiVersion: netloom/v1\nkind: Node\nhostname: from-firmware\n";
const inline = resource("inline", "10.1.1.0/24");
const url = resource("url", "10.2.1.0/24");
const forged = resource("forged", "10.3.1.0/24");

const words = [
  "fw_cfg:opt/netloom/config",
  `inline:${Buffer.from(inline).toString("base64")}`,
  `http://${GATEWAY_ADDRESS}:${PORT}/url.yaml#sha256=${digest(url)}`,
  // What was published when the command line was written is not what the server has now.
  `http://${GATEWAY_ADDRESS}:${PORT}/forged.yaml#sha256=${digest(`${forged}\n`)}`,
  `http://${GATEWAY_ADDRESS}:${PORT}/undigested.yaml`,
];

const topology: Topology = {
  networks: [NETWORK],
  nodes: {
    gateway: GATEWAY,
    n1: {
      nics: [NETWORK],
      cmdline: words.map((word) => `netloom.config=${word}`).join(" "),
      fwCfg: { "opt/netloom/config": firmware },
    },
  },
};

scenario(
  "configuration comes from the command line, the firmware and a web server, and a forged one is refused",
  { group: "full", topology },
  async ({ t, node }) => {
    const gateway = node("gateway");
    const guest = new NetloomGuest(node("n1"));
    const first = await guest.online();
    t.is(first.hostname, "from-firmware");
    t.true(first.documents.some(({ name, source }) => name === "inline" && source === "boot"));
    t.regex(first.problems.join("\n"), /undigested\.yaml rejected: a URL needs the digest/u);

    // The web server comes later than the nodes that want something of it.
    await gateway.run(["mkdir", "/tmp/web"]);
    for (const [name, text] of Object.entries({ url, forged })) await gateway.writeFile(`/tmp/web/${name}.yaml`, text);
    await gateway.run(["busybox", "httpd", "-p", String(PORT), "-h", "/tmp/web"]);
    const refusal = await guest.node.waitForConsole(/forged\.yaml.*SHA-256/u);
    t.regex(refusal, new RegExp(`its SHA-256 is ${digest(forged)}, not the one on the command line`, "u"));
    const status = await guest.node.until("the document of the web server", async () => {
      const now = await guest.status();
      return now.documents.some(({ name }) => name === "url") ? now : undefined;
    });
    t.true(status.online);
    t.regex(status.problems.join("\n"), /forged\.yaml.*its SHA-256 is/u);
    t.deepEqual(status.documents.map(({ name }) => name).toSorted(), ["inline", "node", "url"]);
    const namespaces = await guest.node.run(["ip", "netns", "list"]);
    t.deepEqual([...namespaces.matchAll(/^n(\w+)/gmu)].map(([, name = ""]) => name).toSorted(), ["inline", "url"]);

    const memory = await guest.node.run(["cat", "/proc/meminfo"]);
    const available = Number(/MemAvailable: +(\d+) kB/u.exec(memory)?.[1]);
    t.log(`${Math.round(available / 1024)} MB of 384 MB are available with two network resources`);
    t.true(available > FREE_KIB, memory);
  },
);

function resource(name: string, subnet: string): string {
  const range = subnet.replace(/\.\d+\.0\/24$/u, ".0.0/16");
  return `apiVersion: netloom/v1\nkind: NetworkResource\nname: ${name}\nsubnet: ${subnet}\nrange: ${range}\n`;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
