/** What fails is reported and tried again; what does not fail is done. */
import { mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { lan, resource } from "../testing/builders.ts";
import { TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const lab = lan("lab", { cidr: "10.5.0.0/24", dhcp: true });

test("a service whose name is taken fails by name, the rest is made, and it starts when there is one", async (t) => {
  const node = await TestNode.start(t);
  const service = join(node.sandbox.scanDir, "dnsmasq-lab");
  await writeFile(service, "not a service of ours");
  const { code, out, err } = await node.apply(yaml(lab, resource("demo")));
  t.is(code, 1);
  t.regex(
    err,
    /^failed: service dnsmasq-lab run dnsmasq [^\n]*: cannot register service dnsmasq-lab: \S+ exists and is not Netloom's; rename the other service \(Lan lab: process dnsmasq-lab\)\n$/u,
  );
  t.regex(out, /ip addr add 10\.5\.0\.1\/24 dev l-lab\n/u);
  for (const name of ["l-lab", "rdemo"]) t.true((await node.links()).includes(name), name);
  t.like((await node.client.status()).lastReconcile, { outcome: "failed" });
  // Nothing in the kernel tells of it, so only trying again finds it.
  await rm(service);
  const status = await node.sandbox.until("a pass without failures", async () => {
    const seen = await node.client.status();
    return seen.lastReconcile?.outcome === "failed" ? undefined : seen;
  });
  t.like(status.processes, [{ name: "dnsmasq-lab" }]);
});

test("a damaged document is set aside with a word, and the rest of the node starts", async (t) => {
  const node = await TestNode.start(t);
  await node.apply(yaml(lab, resource("demo")));
  await node.stopDaemon("SIGTERM");
  const documents = join(node.root, "documents");
  await writeFile(join(documents, "NetworkResource-demo.yaml"), "apiVersion: netloom/v1\nkind: Network\0");
  await writeFile(
    join(documents, "bomb.yaml"),
    `a: &a [${"x,".repeat(99)}]\nb: &b [${"*a,".repeat(99)}]\nc: [${"*b,".repeat(99)}]\n`,
  );
  await node.sandbox.output(["mkdir", join(documents, "odd.yaml")]);
  const status = await node.startDaemon();
  t.regex(
    status.problems.join("\n"),
    /set aside \S+NetworkResource-demo\.yaml as \S+NetworkResource-demo\.yaml\.damaged: \S+:\d+: /u,
  );
  t.regex(status.problems.join("\n"), /set aside \S+bomb\.yaml as/u);
  t.regex(status.problems.join("\n"), /cannot read \S+odd\.yaml: EISDIR/u);
  t.deepEqual((await readdir(documents)).toSorted(), [
    "Lan-lab.yaml",
    "NetworkResource-demo.yaml.damaged",
    "bomb.yaml.damaged",
    "odd.yaml",
  ]);
  t.deepEqual(await node.apply(yaml(lab)), { code: 0, out: "no changes\n", err: "" });
});

test("whatever the daemon keeps may be damaged: each file is set aside with a word, and the node starts", async (t) => {
  const node = await TestNode.start(t);
  await node.apply(yaml(lab, resource("demo")));
  await node.stopDaemon("SIGTERM");
  const files = ["root/node.json", "run/records.json", "root/allocations/lab.yaml", "root/documents/Lan-lab.yaml"];
  await mkdir(join(node.sandbox.dir, "root/allocations"), { recursive: true });
  for (const file of files) await writeFile(join(node.sandbox.dir, file), "\u0000\u0000{");
  const { problems } = await node.startDaemon();
  for (const file of files)
    t.true(
      problems.some((problem) => problem.startsWith(`set aside ${join(node.sandbox.dir, file)} as `)),
      `${file}: ${problems.join("\n")}`,
    );
  t.true((await node.links()).includes("rdemo"));
  t.deepEqual(await node.apply(yaml(lab, resource("demo"))).then(({ code }) => code), 0);
});

test("a document that cannot be kept is refused, and none of its text is", async (t) => {
  const node = await TestNode.start(t);
  const documents = join(node.root, "documents");
  await node.sandbox.output(["mkdir", "-p", join(documents, "NetworkResource-demo.yaml/x")]);
  await node.sandbox.output(["mount", "-t", "tmpfs", "-o", "ro", "none", documents]);
  const { code, err } = await node.apply(yaml(lab, resource("demo")));
  t.is(code, 1);
  t.regex(
    err,
    /^netloom: cannot keep Lan lab, NetworkResource demo: EROFS[^]*; nothing was changed; see that \S+documents can be written\n$/u,
  );
  t.is((await node.netloom(["show"])).out, "");
  t.false((await node.links()).includes("l-lab"));
  await node.sandbox.output(["umount", documents]);
});

test("a key that cannot be read fails its resource only", async (t) => {
  const node = await TestNode.start(t);
  await node.netloom(["key", "demo"]);
  await node.stopDaemon("SIGTERM");
  const key = join(node.root, "keys/demo.key");
  await writeFile(key, "no key at all\n");
  await node.startDaemon();
  const demo = resource("demo", { wireguard: { listenPort: 51820, peers: [] } });
  const { code, err } = await node.apply(yaml(lab, demo));
  t.is(code, 1);
  t.regex(
    err,
    /failed: NetworkResource demo: cannot read the WireGuard key in \S+demo\.key: it is not 32 bytes in base64; remove the file/u,
  );
  t.true((await node.links()).includes("l-lab"));
  t.true((await node.links("ndemo")).includes("private"));
});

test("a node that cannot remember its uplink works, and says so", async (t) => {
  const prepare = async ({ sandbox, root }: TestNode): Promise<void> => {
    await sandbox.output(["mkdir", "-p", join(root, "node.json/x")]);
  };
  const node = await TestNode.start(t, { prepare });
  const { code, err } = await node.apply(yaml(lab));
  t.is(code, 1);
  t.regex(err, /^failed: remember the uplink: EISDIR[^]*node\.json/u);
  t.true((await node.links()).includes("l-lab"));
});

test("contradictions between the layers cost the document that came last, not the node", async (t) => {
  const inline = Buffer.from(yaml(lan("boot", { cidr: "10.5.0.0/24" }), lan("fine", { cidr: "10.7.0.0/24" }))).toString(
    "base64",
  );
  const node = await TestNode.start(t, {
    config: {
      "a.yaml": yaml(lan("config", { cidr: "10.5.0.128/25" })),
      "b.yaml": yaml(lan("wide", { cidr: "10.8.0.0/16", gateway: "10.9.0.1" })),
    },
    cmdline: `quiet netloom.config=inline:${inline}`,
  });
  const status = await node.client.status();
  const reasons = (status.lastReconcile?.failures ?? []).map(({ message }) => message).join("\n");
  t.regex(reasons, /Lan boot \(10\.5\.0\.0\/24\) and Lan config \(10\.5\.0\.128\/25\) overlap/u);
  t.regex(reasons, /Lan wide: gateway 10\.9\.0\.1 lies outside cidr 10\.8\.0\.0\/16/u);
  const links = await node.links();
  t.deepEqual(
    ["l-boot", "l-fine", "l-config", "l-wide"].map((name) => links.includes(name)),
    [true, true, false, false],
  );
  // Old contradictions are not held against a new document.
  const applied = await node.apply(yaml(lan("new", { cidr: "10.20.0.0/24" })));
  t.false(applied.err.includes("refused: nothing was changed"), applied.err);
  t.true((await node.links()).includes("l-new"));
});

test("a pass that cannot look at the kernel is told in status, and tried again until it can", async (t) => {
  const node = await TestNode.start(t);
  await node.apply(yaml(lab));
  // A directory in the place of the file that tells which service definition runs; at once, since a pass that finds neither makes the file.
  const definition = join(node.runtimeDir, "services/dnsmasq-lab/definition");
  await symlink(".", `${definition}.link`);
  await rename(`${definition}.link`, definition);
  await node.sandbox.ip("link set l-lab down");
  const broken = await node.sandbox.until("a pass that fails", async () => {
    const status = await node.client.status();
    return status.lastReconcile?.outcome === "failed" ? status : undefined;
  });
  t.regex(broken.lastReconcile?.failures[0]?.message ?? "", /EISDIR/u);
  await rm(definition);
  await node.sandbox.until("a pass that works", async () => {
    const { lastReconcile } = await node.client.status();
    return lastReconcile?.outcome === "failed" ? undefined : true;
  });
  t.regex(await node.sandbox.ip("-o link show l-lab"), /[<,]UP[,>]/u);
});
