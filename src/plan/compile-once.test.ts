import test from "ava";
import { facts, keyFact, lan, lease, nic, resource } from "../testing/builders.ts";
import { compile } from "./compile.ts";

const documents = [
  lan("lab", { nics: ["eth1"], dhcp: true }),
  resource("demo", { wireguard: { listenPort: 51820, peers: [] } }),
];
const key = keyFact("demo");
const known = (part: Parameters<typeof facts>[0] = {}): ReturnType<typeof facts> =>
  facts({ nics: [nic("eth0")], wireguardKeys: { demo: key }, ...part });

test("a document is compiled again only when what it is made of differs", (t) => {
  const before = compile(documents, known());
  const same = (after: ReturnType<typeof compile>, id: string): boolean => after.units.get(id) === before.units.get(id);
  const again = compile(documents, known({ stateDir: known().stateDir }));
  t.true(same(again, "Lan lab") && same(again, "NetworkResource demo"));
  t.deepEqual(again.target, before.target);

  // A NIC that appears may be the LAN's, and a resource has none.
  const plugged = compile(documents, known({ nics: [nic("eth0"), nic("eth1")] }));
  t.true(same(plugged, "NetworkResource demo"));
  t.true(plugged.units.get("Lan lab")?.some((object) => object.kind === "link" && object.name === "eth1"));

  const online = compile(documents, known({ leases: [lease("eth0", { dns: ["192.0.2.53"] })] }));
  t.regex(JSON.stringify(online.units.get("Lan lab")), /server=192\.0\.2\.53/u);

  const rekeyed = compile(documents, known({ wireguardKeys: { demo: keyFact("other") } }));
  const text = JSON.stringify(rekeyed.units.get("NetworkResource demo"));
  t.true(text.includes(keyFact("other").publicKey));

  const [first, second] = [lan("lab", { cidr: "10.1.0.0/24" }), lan("lab", { cidr: "10.2.0.0/24" })];
  t.notDeepEqual(compile([first], known()).target, compile([second], known()).target);
});
