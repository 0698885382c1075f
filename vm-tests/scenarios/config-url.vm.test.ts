import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { scenario } from "../harness/scenario.ts";
import { dhcpServer } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const PORT = 8080;
const BASE = `http://10.76.0.1:${PORT}`;
const owner = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");
/** The 32 bytes of the public key (RFC 8032) in base64url, as the command line has them. */
const key = owner.publicKey.export({ format: "jwk" }).x ?? "";

const texts = {
  "digest.yaml": resource("digest", 1),
  "signed.yaml": resource("signed", 2),
  "altered.yaml": resource("altered", 3),
  "forged.yaml": resource("forged", 4),
  "unsigned.yaml": resource("unsigned", 5),
} as const;
const words = [
  `${BASE}/digest.yaml#sha256=${createHash("sha256").update(texts["digest.yaml"]).digest("hex")}`,
  `${BASE}/signed.yaml#ed25519=${key}`,
  `${BASE}/altered.yaml#sha256=${createHash("sha256").update("what it was once").digest("hex")}`,
  `${BASE}/forged.yaml#ed25519=${key}`,
  `${BASE}/unsigned.yaml#ed25519=${key}`,
];
const files = {
  ...Object.fromEntries(Object.entries(texts).map(([name, text]) => [`/srv/${name}`, text])),
  "/srv/signed.yaml.sig": sign(null, Buffer.from(texts["signed.yaml"]), owner.privateKey).toString("base64"),
  "/srv/forged.yaml.sig": sign(null, Buffer.from(texts["forged.yaml"]), stranger.privateKey).toString("base64"),
};
const server = dhcpServer(["lan"], [{ dev: "eth0", v4: "10.76.0.1/24", dhcp4: true }]);
const topology = {
  networks: ["lan"],
  nodes: {
    server: { ...server, files, services: { ...server.services, web: `exec busybox httpd -f -p ${PORT} -h /srv` } },
    n1: { nics: ["lan"], cmdline: words.map((word) => `netloom.config=${word}`).join(" ") },
  },
};

scenario(
  "a configuration from a URL holds with its digest or its signature; a wrong one is refused by name, and the node is online",
  { group: "full", topology },
  async ({ t, node, step }) => {
    const n1 = new NetloomGuest(node("n1"));
    await step("it comes online", () => n1.online());
    const status = await step("what is right is taken", () =>
      n1.statusWhere(
        "both resources",
        ({ documents }) => documents.filter(({ kind }) => kind === "NetworkResource").length >= 2,
      ),
    );
    t.deepEqual(
      status.documents
        .filter(({ kind }) => kind === "NetworkResource")
        .map(({ name }) => name)
        .toSorted(),
      ["digest", "signed"],
    );
    await step("what is wrong is refused, each with its reason", async () => {
      const { problems, online } = await n1.statusWhere("three refusals", (now) => now.problems.length >= 3);
      t.true(online);
      t.is(problems.length, 3, problems.join("\n"));
      t.true(problems.some((problem) => /altered\.yaml.*SHA-256/u.test(problem)));
      t.true(problems.some((problem) => /forged\.yaml\.sig was not made by the key/u.test(problem)));
      t.true(problems.some((problem) => /404 for \S*unsigned\.yaml\.sig/u.test(problem)));
    });
  },
);

function resource(name: string, n: number): string {
  return `apiVersion: netloom/v1\nkind: NetworkResource\nname: ${name}\nsubnet: 10.${n}.1.0/24\nrange: 10.${n}.0.0/16\n`;
}
