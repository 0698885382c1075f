//! What needs a kernel with VLANs, bridge VLAN filtering or bonds, and links whose other end is a program.

use serde_json::{Value, json};

use crate::sandbox::{GROUP, Sandbox};

#[test]
fn a_tap_stays_with_its_owner_and_mark() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    sandbox.apply(
        &json!([{ "op": "link.add", "type": "bridge", "name": "br0", "group": GROUP, "up": true }]),
    );
    for (mode, options) in [
        ("tap", json!({ "mode": "tap", "owner": 0, "ownerGroup": 0 })),
        ("tun", json!({ "mode": "tun" })),
    ] {
        let mut wanted = json!({ "op": "link.add", "type": "tun", "name": "t0", "group": GROUP, "mtu": 1400, "up": true,
                                 "options": options });
        if mode == "tap" {
            wanted["mac"] = json!("02:00:00:00:00:01");
            wanted["master"] = json!("br0");
        }
        if sandbox.lacks(&wanted) {
            return;
        }
        let found = sandbox.link("t0");
        assert_eq!(found["kind"], "tun");
        let seen = ["group", "mtu", "up"].map(|key| found[key].clone());
        assert_eq!(seen, [json!(GROUP), json!(1400), json!(true)]);
        assert_eq!(found["options"]["mode"], mode);
        if mode == "tap" {
            assert_eq!(found["options"], options);
            assert_eq!(found["mac"], "02:00:00:00:00:01");
            assert_eq!(found["master"], sandbox.index("br0"));
        }
        assert_eq!(sandbox.refusal(&wanted)["code"], "EEXIST");
        sandbox.apply(&json!([{ "op": "link.del", "names": ["t0"] }]));
    }
}

#[test]
fn a_tap_that_cannot_be_finished_is_not_there() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    let tap = |name: &str| json!({ "op": "link.add", "type": "tun", "name": name, "group": GROUP, "options": { "mode": "tap" } });
    if sandbox.lacks(&tap("there")) {
        return;
    }
    sandbox.apply(&json!([{ "op": "link.del", "names": ["there"] }]));
    let mut wanted = tap("t0");
    wanted["master"] = json!("none");
    let refused = sandbox.refusal(&wanted);
    assert_eq!(
        (&refused["op"], &refused["code"]),
        (&json!("link.add"), &json!("ENODEV"))
    );
    let links = sandbox.dump("links");
    assert!(!links.iter().any(|link| link["kind"] == "tun"), "{links:?}");
    // Nor is a link of others taken for it.
    assert_eq!(sandbox.refusal(&tap("a0"))["code"], "EEXIST");
    for name in ["", "t%d", "a-name-that-is-too-long"] {
        sandbox.refusal(&tap(name));
    }
    let modeless = json!({ "op": "link.add", "type": "tun", "name": "t0", "group": GROUP });
    assert_eq!(
        sandbox.refusal(&modeless)["message"],
        "it needs a mode, tap or tun"
    );
}

#[test]
fn vlans_sit_on_a_link_of_another_namespace() {
    let (Some(sandbox), Some(other)) = (Sandbox::with_links(), Sandbox::fresh()) else {
        return;
    };
    let options = json!({ "id": 7, "protocol": "802.1Q" });
    let wanted = json!({ "op": "link.add", "type": "vlan", "name": "v7", "group": GROUP, "up": true, "lower": "a0",
                         "options": options, "netnsPath": other.path() });
    if sandbox.lacks(&wanted) {
        return;
    }
    let found = other.link("v7");
    assert_eq!(found["options"], options);
    assert_eq!(found["lower"]["index"], sandbox.index("a0"));
    assert!(found["lower"]["netnsId"].is_number(), "{found}");
    let mut near = wanted.clone();
    near.as_object_mut().unwrap().remove("netnsPath");
    near["options"] = json!({ "id": 8, "protocol": "802.1ad" });
    sandbox.apply(&json!([near]));
    let found = sandbox.link("v7");
    assert_eq!(found["options"], near["options"]);
    let lower = json!({ "index": sandbox.index("a0"), "netnsId": null });
    assert_eq!(found["lower"], lower);
}

#[test]
fn a_link_that_is_born_elsewhere_may_have_the_name_of_one_here() {
    let (Some(sandbox), Some(other)) = (Sandbox::with_links(), Sandbox::fresh()) else {
        return;
    };
    let wanted = |up: bool| {
        json!({ "op": "link.add", "type": "macvlan", "name": "a0", "group": GROUP, "up": up, "lower": "a0",
                "mac": "02:00:00:00:00:0a", "options": { "mode": "bridge" }, "netnsPath": other.path() })
    };
    if sandbox.lacks(&wanted(true)) {
        return;
    }
    let found = other.link("a0");
    assert_eq!(
        (&found["up"], &found["group"], &found["mac"]),
        (&json!(true), &json!(GROUP), &json!("02:00:00:00:00:0a")),
    );
    assert_eq!(found["lower"]["index"], sandbox.index("a0"));
    // Taken there it is taken, and nothing is left of the attempt.
    assert_eq!(sandbox.refusal(&wanted(true))["code"], "EEXIST");
    let names: Vec<_> = other
        .dump("links")
        .iter()
        .map(|link| link["name"].clone())
        .collect();
    assert_eq!(names, ["lo", "a0"]);
    other.apply(&json!([{ "op": "link.del", "names": ["a0"] }]));
    sandbox.apply(&json!([wanted(false)]));
    assert_eq!(other.link("a0")["up"], false);
}

#[test]
fn bonds_take_ports_that_are_down_and_change_while_they_stay() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    let options =
        json!({ "mode": "active-backup", "miimon": 100, "updelay": 200, "downdelay": 300 });
    let wanted = json!({ "op": "link.add", "type": "bond", "name": "bond0", "group": GROUP, "up": true, "options": options });
    if sandbox.lacks(&wanted) {
        return;
    }
    sandbox.apply(&json!([
        { "op": "link.set", "name": "a0", "up": false },
        { "op": "link.set", "name": "a0", "master": "bond0" },
        { "op": "link.set", "name": "b0", "up": false },
        { "op": "link.set", "name": "b0", "master": "bond0" },
        { "op": "link.set", "name": "bond0", "options": { "type": "bond", "set": { "primary": "b0", "miimon": 50 } } },
    ]));
    let found = sandbox.link("bond0");
    assert_eq!(found["options"]["mode"], "active-backup");
    assert_eq!(found["options"]["primary"], "b0");
    assert_eq!(found["options"]["miimon"], 50);
    assert_eq!(sandbox.link("a0")["master"], found["index"]);
    let lacp = json!({ "mode": "802.3ad", "lacpRate": "fast", "xmitHashPolicy": "layer3+4", "minLinks": 1 });
    sandbox.apply(&json!([
        { "op": "link.add", "type": "bond", "name": "bond1", "group": GROUP, "options": lacp },
    ]));
    let found = sandbox.link("bond1");
    for (key, value) in lacp.as_object().unwrap() {
        assert_eq!(&found["options"][key], value, "{key}");
    }
    // The kernel's own words reach whoever asked.
    let refused = sandbox.refusal(
        &json!({ "op": "link.set", "name": "bond0", "options": { "type": "bond", "set": { "mode": "802.3ad" } } }),
    );
    assert_ne!(refused["message"], "", "{refused}");
}

#[test]
fn every_option_of_a_bond_is_read_back_as_it_was_asked_for() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    let cases = [
        json!({ "mode": "balance-rr", "arpInterval": 100, "arpIpTarget": "10.0.0.9,10.0.0.10",
                "nsIp6Target": "fd00:a::9", "arpValidate": "filter_backup", "arpAllTargets": "all",
                "missedMax": 5, "packetsPerSlave": 0 }),
        json!({ "mode": "802.3ad", "miimon": 100, "updelay": 200, "downdelay": 300, "useCarrier": true,
                "lacpRate": "fast", "lacpActive": false, "adSelect": "count", "adActorSysPrio": 7,
                "adUserPortKey": 1023, "adActorSystem": "52:54:00:12:34:56", "coupledControl": false,
                "minLinks": 1, "xmitHashPolicy": "vlan+srcmac" }),
        json!({ "mode": "balance-tlb", "miimon": 100, "tlbDynamicLb": false, "primaryReselect": "better",
                "failOverMac": "follow", "resendIgmp": 3, "numPeerNotif": 255, "peerNotifDelay": 400,
                "allSlavesActive": true, "lpInterval": 2 }),
    ];
    for (at, options) in cases.iter().enumerate() {
        let name = format!("bond{at}");
        let wanted = json!({ "op": "link.add", "type": "bond", "name": name, "group": GROUP, "up": true, "options": options });
        if sandbox.lacks(&wanted) {
            return;
        }
        let found = sandbox.link(&name);
        for (key, value) in options.as_object().unwrap() {
            assert_eq!(&found["options"][key], value, "{name} {key}");
        }
    }
}

#[test]
fn plain_kinds_are_made_and_removed() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    for kind in ["dummy", "ifb"] {
        let wanted =
            json!({ "op": "link.add", "type": kind, "name": "x0", "group": GROUP, "up": true });
        if sandbox.lacks(&wanted) {
            continue;
        }
        let found = sandbox.link("x0");
        assert_eq!(
            (&found["kind"], &found["group"]),
            (&json!(kind), &json!(GROUP))
        );
        sandbox.apply(&json!([{ "op": "link.del", "names": ["x0"] }]));
    }
}

#[test]
fn ports_and_bridges_are_members_of_vlans() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    let bridge = json!({ "op": "link.add", "type": "bridge", "name": "br0", "group": GROUP, "up": true,
                         "options": { "vlanFiltering": true, "defaultPvid": 0 } });
    if sandbox.lacks(&bridge) {
        return;
    }
    sandbox.apply(&json!([
        { "op": "link.set", "name": "a0", "master": "br0" },
        { "op": "vlan.add", "name": "a0", "id": 10, "pvid": true, "untagged": true },
        { "op": "vlan.add", "name": "a0", "id": 11 },
        { "op": "vlan.add", "name": "br0", "id": 10, "self": true },
    ]));
    let (port, itself) = (sandbox.index("a0"), sandbox.index("br0"));
    let vlan = |index: u64, id: u16, pvid: bool, untagged: bool| json!({ "index": index, "id": id, "pvid": pvid, "untagged": untagged });
    let sorted = || {
        let mut vlans = sandbox.dump("vlans");
        vlans.sort_by_key(|vlan| (vlan["index"] == itself, vlan["id"].as_u64()));
        vlans
    };
    let expected = [
        vlan(port, 10, true, true),
        vlan(port, 11, false, false),
        vlan(itself, 10, false, false),
    ];
    assert_eq!(sorted(), expected);
    // The flags of a membership change, and the PVID moves.
    sandbox.apply(&json!([
        { "op": "vlan.add", "name": "a0", "id": 11, "pvid": true },
        { "op": "vlan.del", "name": "br0", "id": 10, "self": true },
    ]));
    assert_eq!(
        sorted(),
        [vlan(port, 10, false, true), vlan(port, 11, true, false)]
    );
    // The kernel tells neighbours of each other as a range.
    let many: Vec<Value> = (100..=300)
        .map(|id| json!({ "op": "vlan.add", "name": "a0", "id": id }))
        .collect();
    sandbox.apply(&json!(many));
    let seen = sandbox.dump("vlans").into_iter();
    let ids: Vec<_> = seen.filter_map(|vlan| vlan["id"].as_u64()).collect();
    assert_eq!(
        ids,
        [10, 11].into_iter().chain(100..=300).collect::<Vec<u64>>()
    );
    for id in [0, 4095] {
        let refused = sandbox.refusal(&json!({ "op": "vlan.add", "name": "a0", "id": id }));
        assert_eq!(refused["message"], "a VLAN is between 1 and 4094");
    }
}
