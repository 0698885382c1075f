//! For tests: what a kernel that has every kind of object answered to dumps.
//!
//! Linux 6.12 wrote the files of `testdata/linux-6.12` in a virtual machine, by `examples/record.rs`, which says what was there. The kernel of
//! a development machine may lack VLANs, bonds, dummies, WireGuard and the VLANs of bridges.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::{
    address, bridge_vlan, ethtool, fdb, link, message::messages, neighbor, nft, nft_chain, route,
    rule, wireguard,
};

/// The answer to one dump, and how it is read.
pub(crate) struct Recording {
    name: &'static str,
    bytes: &'static [u8],
    /// Length of what comes before the attributes of a message.
    header: usize,
    /// The body of one message as JSON.
    pub(crate) parse: fn(&[u8]) -> Value,
}

impl Recording {
    /// The bodies of its messages.
    pub(crate) fn bodies(&self) -> Vec<&'static [u8]> {
        messages(self.bytes).map(|message| message.body).collect()
    }

    /// Where one more attribute may be put into a body.
    pub(crate) fn boundaries(&self, body: &[u8]) -> Vec<usize> {
        let mut places = vec![self.header];
        let mut rest = body.get(self.header..).unwrap_or_default();
        while let [low, high, ..] = rest {
            let length = usize::from(u16::from_ne_bytes([*low, *high])).next_multiple_of(4);
            rest = rest.get(length.max(4)..).unwrap_or_default();
            places.push(body.len() - rest.len());
        }
        places
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

macro_rules! recording {
    ($name:literal, $header:literal, $parse:expr) => {
        Recording {
            name: $name,
            bytes: include_bytes!(concat!("../testdata/linux-6.12/", $name, ".bin")),
            header: $header,
            parse: |body| json($parse(body)),
        }
    };
}

pub(crate) static ALL: [Recording; 12] = [
    recording!("links", 16, link::parse),
    recording!("addresses", 8, address::parse),
    recording!("routes", 12, route::parse),
    recording!("rules", 12, rule::parse),
    recording!("neighbors", 12, neighbor::parse),
    recording!("fdb", 12, fdb::parse),
    recording!("vlans", 16, bridge_vlan::parse),
    recording!("link-modes", 4, ethtool::parse_modes),
    recording!("link-states", 4, ethtool::parse_state),
    recording!("wireguard", 4, wireguard::parse),
    recording!("nft-tables", 4, nft::parse),
    recording!("nft-chains", 4, nft_chain::parse),
];

/// What is read of a recording, message by message; those that mean nothing to us are left out.
fn read(name: &str) -> Vec<Value> {
    let recording = ALL.iter().find(|recording| recording.name == name).unwrap();
    let bodies = recording.bodies().into_iter();
    let read = bodies.map(|body| (recording.parse)(body));
    read.filter(|value| !value.is_null()).collect()
}

mod tests {
    use serde_json::{Value, json};

    use super::{ALL, read};

    fn link(name: &str) -> Value {
        let mut links = read("links").into_iter();
        links.find(|link| link["name"] == name).unwrap()
    }

    /// The entries whose members are those of `wanted`.
    fn like(name: &str, wanted: &Value) -> usize {
        let members = wanted.as_object().unwrap();
        let entries = read(name);
        let fits = |entry: &&Value| members.iter().all(|(key, value)| entry[key] == *value);
        entries.iter().filter(fits).count()
    }

    #[test]
    fn every_kind_of_link_has_its_options() {
        for (name, kind, options) in [
            ("d0", "dummy", Value::Null),
            ("i0", "ifb", Value::Null),
            ("vlan7", "vlan", json!({ "id": 7, "protocol": "802.1ad" })),
            ("mv0", "macvlan", json!({ "mode": "bridge" })),
            ("mt0", "macvtap", json!({ "mode": "private" })),
            (
                "t0",
                "tun",
                json!({ "mode": "tap", "owner": 7, "ownerGroup": 8 }),
            ),
            ("w0", "wireguard", Value::Null),
        ] {
            let link = link(name);
            assert_eq!(link["kind"], kind);
            assert_eq!(link["options"], options, "{name}");
            assert_eq!(link["group"], 777, "{name}");
        }
        for (name, key, value) in [
            ("x0", "vni", json!(7)),
            ("x0", "local", json!("10.0.0.1")),
            ("x0", "group", json!("239.1.1.1")),
            ("x0", "port", json!(4789)),
            ("x0", "learning", json!(false)),
            ("x0", "ttl", json!(5)),
            ("x6", "local", json!("fd00::1")),
            ("x6", "group", Value::Null),
            ("bond7", "mode", json!("active-backup")),
            ("bond7", "miimon", json!(100)),
            ("bond7", "updelay", json!(200)),
            ("bond7", "downdelay", json!(300)),
            ("br0", "vlanFiltering", json!(true)),
            ("br0", "defaultPvid", json!(0)),
            ("br0", "stp", json!(false)),
            ("br0", "forwardDelay", json!(4)),
            ("br0", "ageing", json!(600)),
        ] {
            assert_eq!(link(name)["options"][key], value, "{name} {key}");
        }
        let lower = json!({ "index": link("d0")["index"], "netnsId": null });
        for name in ["vlan7", "mv0", "mt0", "x0"] {
            assert_eq!(link(name)["lower"], lower, "{name}");
        }
        assert_eq!(link("d0")["alias"], "for people");
    }

    #[test]
    fn ports_know_their_master_and_flags() {
        assert_eq!(link("p0")["master"], link("bond7")["index"]);
        assert_eq!(link("p0")["port"], Value::Null);
        assert_eq!(link("b0")["master"], link("br0")["index"]);
        let flags = json!({ "isolated": true, "hairpin": true, "learning": false, "flood": true, "multicastFlood": true,
                            "broadcastFlood": true, "neighSuppress": false, "guard": false });
        assert_eq!(link("b0")["port"], flags);
    }

    #[test]
    fn vlans_are_told_as_ranges() {
        let (port, bridge) = (link("b0")["index"].clone(), link("br0")["index"].clone());
        let vlan = |index: &Value, id: u16, own: bool| json!({ "index": index, "id": id, "pvid": own, "untagged": own });
        let expected = [
            vlan(&port, 5, true),
            vlan(&port, 10, false),
            vlan(&port, 11, false),
            vlan(&port, 12, false),
            vlan(&bridge, 5, false),
        ];
        let mut seen: Vec<_> = read("vlans")
            .into_iter()
            .flat_map(|vlans| vlans.as_array().unwrap().clone())
            .collect();
        seen.sort_by_key(|vlan| (vlan["index"] == bridge, vlan["id"].as_u64()));
        assert_eq!(seen, expected);
    }

    #[test]
    fn tables_hold_what_was_made() {
        let index = |name: &str| link(name)["index"].clone();
        let (d0, b0, b1) = (index("d0"), index("b0"), index("b1"));
        for (table, entry) in [
            (
                "addresses",
                json!({ "index": d0, "address": "10.0.0.1/24", "proto": 78, "validLifetime": 6000, "preferredLifetime": 3000 }),
            ),
            (
                "addresses",
                json!({ "index": d0, "address": "fd00::1/64", "proto": 78, "validLifetime": null,
                                  "flags": ["nodad", "permanent", "noprefixroute"] }),
            ),
            (
                "routes",
                json!({ "to": "10.1.0.0/16", "protocol": 78, "metric": 9, "mtu": 1400, "advmss": 1300, "index": null }),
            ),
            (
                "routes",
                json!({ "to": "10.2.0.0/16", "protocol": 78, "type": "blackhole" }),
            ),
            (
                "routes",
                json!({ "to": "10.3.0.0/16", "protocol": 78, "via": "192.0.2.77", "onlink": true, "source": "10.0.0.1" }),
            ),
            (
                "routes",
                json!({ "to": "fd01::/64", "protocol": 78, "table": 1000 }),
            ),
            (
                "rules",
                json!({ "family": 4, "priority": 100, "from": "10.1.0.0/16", "iif": "d0", "table": 1000, "protocol": 78,
                              "fwmark": { "value": 1, "mask": 255 }, "other": false }),
            ),
            (
                "rules",
                json!({ "family": 6, "priority": 101, "to": "fd00:1::/32", "action": "unreachable", "protocol": 78, "other": false }),
            ),
            (
                "neighbors",
                json!({ "index": d0, "to": "10.0.0.77", "mac": "02:00:00:00:00:0b", "state": "permanent", "protocol": 78 }),
            ),
            (
                "neighbors",
                json!({ "index": d0, "to": "fd00::77", "mac": "02:00:00:00:00:0c", "protocol": 78 }),
            ),
            (
                "fdb",
                json!({ "index": b0, "mac": "02:00:00:00:00:09", "vlan": 5, "remote": null }),
            ),
            (
                "fdb",
                json!({ "index": index("x0"), "mac": "02:00:00:00:00:0a", "remote": "192.0.2.1", "vni": 9, "port": 4791 }),
            ),
            (
                "fdb",
                json!({ "index": index("x6"), "mac": "00:00:00:00:00:00", "remote": "fd00::2", "vni": null }),
            ),
            (
                "link-modes",
                json!({ "name": "b1", "index": b1, "speed": 10_000, "duplex": "full" }),
            ),
            ("link-states", json!({ "name": "b1", "link": true })),
            (
                "nft-tables",
                json!({ "family": "inet", "name": "ours", "comment": "netloom" }),
            ),
            (
                "nft-chains",
                json!({ "table": "ours", "name": "forward", "hook": "forward", "priority": -5, "policy": "drop" }),
            ),
        ] {
            assert_eq!(
                like(table, &entry),
                1,
                "{table} {entry}: {:#?}",
                read(table)
            );
        }
        let routes = read("routes");
        let hops =
            |to: &str| routes.iter().find(|route| route["to"] == to).unwrap()["hops"].clone();
        let expected = json!([{ "index": d0, "via": "10.0.0.2", "weight": 2 }, { "index": b1, "via": "10.0.1.2", "weight": 1 }]);
        assert_eq!(hops("10.1.0.0/16"), expected);
        assert_eq!(hops("fd01::/64").as_array().unwrap().len(), 2);
        // A chain that only others jump to is none that the kernel calls.
        assert_eq!(read("nft-chains").len(), 1);
    }

    #[test]
    fn many_peers_come_in_several_messages() {
        let messages = read("wireguard");
        assert!(messages.len() > 1, "{}", messages.len());
        let peers: Vec<_> = messages
            .iter()
            .flat_map(|device| device["peers"].as_array().unwrap())
            .collect();
        assert!(
            peers
                .iter()
                .all(|peer| peer["hasPresharedKey"] == true && peer["persistentKeepalive"] == 25)
        );
        let mut endpoints: Vec<_> = peers
            .iter()
            .filter_map(|peer| peer["endpoint"].as_str())
            .collect();
        endpoints.sort_unstable();
        endpoints.dedup();
        assert_eq!(endpoints.len(), 60);
    }

    #[test]
    fn every_message_survives_every_truncation_and_every_wrong_length() {
        for recording in &ALL {
            let mut bodies = recording.bodies();
            assert!(!bodies.is_empty(), "{}", recording.name);
            // One of each length, since that takes a while.
            bodies.sort_by_key(|body| body.len());
            bodies.dedup_by_key(|body| body.len());
            for body in bodies.iter().filter(|body| body.len() < 1000) {
                crate::fuzz::mangle(body, |bytes| drop((recording.parse)(bytes)));
            }
        }
    }
}
