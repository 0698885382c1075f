import test from "ava";
import { type Drawing, drawTopology } from "./topology-svg.ts";

const drawing: Drawing = {
  networks: ["wan", "lan<1>"],
  nodes: ["gateway", "n1"],
  links: [
    {
      node: "gateway",
      nic: "eth0",
      network: "wan",
      mac: "52:54:00:00:00:01",
      addresses: ["192.0.2.1/24", "2001:db8::1/64"],
      state: "up",
    },
    { node: "gateway", nic: "eth1", network: "lan<1>", mac: "52:54:00:00:00:02" },
    { node: "n1", nic: "eth0", network: "wan", mac: "52:54:00:00:00:03", state: "down" },
  ],
  tunnels: [{ from: "gateway", to: "n1", state: "up" }],
};

test("shows every node, network and address, and the state of every link", (t) => {
  const svg = drawTopology(drawing);
  for (const text of ["gateway", "n1", ">wan<", "192.0.2.1/24", "2001:db8::1/64", "52:54:00:00:00:03"])
    t.true(svg.includes(text), text);
  t.is(svg.match(/class="cable/g)?.length, 3);
  t.true(svg.includes("n1.eth0 on wan: down"));
  t.true(svg.includes("gateway to n1: up"));
});

test("is self-contained, the same each time, and escapes names", (t) => {
  const svg = drawTopology(drawing);
  t.is(svg, drawTopology(drawing));
  t.true(svg.includes("lan&lt;1&gt;") && !svg.includes("lan<1>"));
  t.notRegex(svg.replace("http://www.w3.org/2000/svg", ""), /https?:|href|url\(/);
});

test("draws what lies in the picture: nothing is outside, no box on another", (t) => {
  const svg = drawTopology(drawing);
  const [, width = "0"] = /viewBox="0 0 (\d+) \d+"/.exec(svg) ?? [];
  const boxes = [...svg.matchAll(/class="box" x="(\d+)" y="\d+" width="(\d+)"/g)].map(([, x, size]) => [
    Number(x),
    Number(x) + Number(size),
  ]);
  t.is(boxes.length, 2);
  t.true((boxes[0]?.[1] ?? 0) < (boxes[1]?.[0] ?? 0));
  t.true((boxes[1]?.[1] ?? 0) < Number(width));
});

test("draws a topology without nodes", (t) => {
  t.regex(drawTopology({ networks: [], nodes: [], links: [] }), /^<svg [\s\S]*<\/svg>\n$/);
});
