import test from "ava";
import { graphMermaid, graphText } from "./graph-text.ts";

const link = (node: string, nic: string, network: string, properties: string) => ({
  ...{ name: `${node}.${nic}`, node, nic, network, properties },
  mac: "52:54:00:00:00:01",
});
const graph = {
  networks: ["wan", "lan"],
  nodes: [{ name: "gw" }, { name: "n1" }, { name: "alone" }],
  links: [link("gw", "eth0", "wan", "clear"), link("gw", "eth1", "lan", "clear"), link("n1", "eth0", "lan", "loss=5%")],
};

test("a terminal shows each network with what is plugged into it", (t) => {
  t.is(
    graphText(graph),
    `wan
  └── gw.eth0  52:54:00:00:00:01
lan
  ├── gw.eth1  52:54:00:00:00:01
  └── n1.eth0  52:54:00:00:00:01  loss=5%
without a NIC: alone`,
  );
});

test("Mermaid gets the same as a flowchart", (t) => {
  t.is(
    graphMermaid(graph),
    `flowchart LR
  net-wan(("wan"))
  net-lan(("lan"))
  gw["gw"]
  n1["n1"]
  alone["alone"]
  gw ---|"eth0"| net-wan
  gw ---|"eth1"| net-lan
  n1 ---|"eth0 loss=5%"| net-lan`,
  );
});
