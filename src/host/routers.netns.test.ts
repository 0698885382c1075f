/** Router advertisements as facts, with dnsmasq as the router. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { until } from "../lib/async.ts";
import type { RouterFact } from "../model/facts.ts";
import type { Step } from "../model/step.ts";
import { output, start, type Child } from "../testing/child.ts";
import { Netlink } from "./addon.ts";
import { LinuxHost } from "./linux-host.ts";

const MAC = { node: "02:00:00:00:00:01", router: "02:00:00:00:00:02" };

// One after the other: all of these hosts are one daemon to the kernel, and look at each other's namespaces.

/** A namespace of the host's with a cable to a router's. */
class Cable {
  readonly t: ExecutionContext;
  readonly node: string;
  readonly router: string;
  readonly dir: string;
  #daemon: Child | undefined;
  /** Digests that hosts gave. */
  #heard = 0;

  constructor(t: ExecutionContext, dir: string) {
    const id = randomBytes(4).toString("hex");
    [this.t, this.node, this.router, this.dir] = [t, `n-${id}`, `r-${id}`, dir];
  }

  /** Lays it, with a host that keeps what it heard in `run`. */
  static async lay(t: ExecutionContext): Promise<{ readonly cable: Cable; readonly host: LinuxHost }> {
    const dir = await mkdtemp(join(tmpdir(), "netloom-test-"));
    const cable = new Cable(t, dir);
    const host = await cable.open("run");
    const { node: netns, router } = cable;
    const steps: readonly Step[] = [
      { op: "netns.add", args: { name: netns } },
      { op: "netns.add", args: { name: router } },
      {
        op: "link.add",
        args: {
          ...{ kind: "link", netns, name: "eth0", type: "veth", mac: MAC.node },
          peer: { netns: router, name: "eth0", mac: MAC.router },
        },
      },
    ];
    t.teardown(async () => {
      await cable.silence();
      await host.execute([netns, router].map((name) => ({ op: "netns.del", args: { name } })));
      await host[Symbol.asyncDispose]();
      await rm(dir, { recursive: true });
    });
    t.deepEqual(await host.execute(steps), []);
    for (const place of [netns, router]) await output(["ip", "-n", place, "link", "set", "eth0", "up"]);
    await output(["ip", "-n", router, "address", "add", "2001:db8:5::1/64", "dev", "eth0", "nodad"]);
    return { cable, host };
  }

  /** A host that hears of our namespaces from now on. */
  async open(name: string): Promise<LinuxHost> {
    const places = {
      keys: join(this.dir, name, "keys"),
      runtimeDir: join(this.dir, name),
      scanDir: join(this.dir, "scan"),
    };
    return await LinuxHost.open(places);
  }

  async listen(host: LinuxHost): Promise<void> {
    await host.observe(
      [this.node, this.router].map((name) => ({ kind: "netns", name })),
      "all",
    );
    const watching = host.watch(() => (this.#heard += 1));
    this.t.teardown(() => watching[Symbol.dispose]());
  }

  /** Advertises a prefix with name servers. */
  advertise(range: string, ...servers: readonly string[]): void {
    const words = [
      ...["port=0", "interface=eth0", "bind-dynamic", "enable-ra", `dhcp-range=${range}`],
      ...[`dhcp-option=option6:dns-server,${servers.join(",")}`, "dhcp-option=option6:domain-search,lab.example"],
      `dhcp-leasefile=${join(this.dir, "leases")}`,
    ];
    const argv = ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file", ...words.map((word) => `--${word}`)];
    this.#daemon = start(["ip", "netns", "exec", this.router, ...argv]);
  }

  /** Does something to the router's link, and waits until whatever was heard before is told. */
  async toLink(...words: readonly string[]): Promise<void> {
    const before = this.#heard;
    await output(["ip", "-n", this.router, "link", "set", "eth0", ...words]);
    await until(() => Promise.resolve(this.#heard > before || undefined), { timeoutMs: 60_000, intervalMs: 10 });
  }

  async silence(): Promise<void> {
    this.#daemon?.process.kill("SIGKILL");
    await this.#daemon?.ended;
  }

  async fact(host: LinuxHost, fits: (fact: RouterFact) => boolean): Promise<RouterFact> {
    const seen = async (): Promise<RouterFact | undefined> => {
      const fact = await host.routerFacts(this.node, "eth0", "all");
      return fact !== undefined && fits(fact) ? fact : undefined;
    };
    const fact = await until(seen, { timeoutMs: 60_000, intervalMs: 25 });
    if (fact === undefined)
      throw new Error(`no such advertisement; the router said ${this.#daemon?.said() ?? "nothing"}`);
    return fact;
  }
}

test.serial(
  "what routers advertise is known, kept over a restart, and asked for when it may have been missed",
  async (t) => {
    const { cable, host } = await Cable.lay(t);
    t.is(await host.routerFacts(cable.node, "eth0", "all"), undefined);
    await cable.listen(host);
    cable.advertise("2001:db8:5::100,2001:db8:5::1ff,slaac,64", "[2001:db8:5::53]", "[2001:db8:5::54]");
    const fact = await cable.fact(
      host,
      ({ dns, search, addresses }) => dns.length > 0 && search.length > 0 && addresses.length > 0,
    );
    t.like(fact, { managed: true, other: true, router: "fe80::ff:fe00:2", addresses: ["2001:db8:5::ff:fe00:1/64"] });
    t.deepEqual([fact.dns, fact.search], [["2001:db8:5::53", "2001:db8:5::54"], ["lab.example"]]);

    // Nobody tells it anything: what it says is what was written down.
    const next = await cable.open("run");
    const kept = await next.routerFacts(cable.node, "eth0", "all");
    t.deepEqual(kept, fact);
    // It never heard anything: the router is asked, which would not speak by itself for minutes.
    const other = await cable.open("other");
    await cable.listen(other);
    t.deepEqual((await cable.fact(other, ({ dns }) => dns.length > 0)).dns, fact.dns);
  },
);

test.serial("another cable brings other name servers, and those of before are forgotten", async (t) => {
  const { cable, host } = await Cable.lay(t);
  await cable.listen(host);
  cable.advertise("2001:db8:5::,ra-stateless", "[2001:db8:5::53]");
  t.like(await cable.fact(host, ({ dns }) => dns.length > 0), { managed: false, other: true, dns: ["2001:db8:5::53"] });
  await cable.silence();
  await cable.toLink("down");
  await cable.toLink("up");
  await output(["ip", "-n", cable.router, "address", "replace", "2001:db8:5::1/64", "dev", "eth0", "nodad"]);
  cable.advertise("2001:db8:5::,ra-stateless", "[2001:db8:5::99]");
  t.deepEqual((await cable.fact(host, ({ dns }) => dns.includes("2001:db8:5::99"))).dns, ["2001:db8:5::99"]);
});

test.serial("the driver of a link is known", async (t) => {
  const { cable } = await Cable.lay(t);
  using netlink = await Netlink.open(`/run/netns/${cable.node}`);
  const states = await netlink.linkStates();
  t.like(
    states.find(({ name }) => name === "eth0"),
    { driver: "veth", link: true, bus: null },
  );
});
