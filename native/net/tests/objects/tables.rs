use serde_json::{Value, json};

use crate::sandbox::Sandbox;

/// Our entries of a table.
fn ours(sandbox: &Sandbox, table: &str) -> Vec<Value> {
    let mut entries = sandbox.dump(table);
    entries.retain(|entry| entry["protocol"] == 78);
    entries
}

fn request(op: &str, object: &Value) -> Value {
    let mut request = object.clone();
    request["op"] = json!(op);
    request
}

#[test]
fn rules_are_read_back_as_they_were_asked_for() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    let rules = [
        json!({ "family": 4, "priority": 100, "from": "10.1.0.0/16", "to": "10.2.0.0/24", "iif": "a0", "oif": "b0",
                "fwmark": { "value": 2, "mask": 255 }, "table": 1000, "action": "lookup", "protocol": 78 }),
        json!({ "family": 4, "priority": 101, "action": "prohibit", "protocol": 78 }),
        json!({ "family": 4, "priority": 102, "table": 254, "action": "lookup", "suppressPrefixLength": 0, "protocol": 78 }),
        json!({ "family": 6, "priority": 100, "from": "fd00:1::/32", "action": "blackhole", "protocol": 78 }),
        json!({ "family": 6, "priority": 103, "to": "fd00:2::/32", "action": "unreachable", "protocol": 78 }),
    ];
    for rule in &rules {
        sandbox.apply(&json!([request("rule.add", rule)]));
        assert_eq!(
            sandbox.refusal(&request("rule.add", rule))["code"],
            "EEXIST"
        );
    }
    let expected = rules.clone().map(|mut rule| {
        rule["other"] = json!(false);
        rule
    });
    assert_eq!(ours(&sandbox, "rules"), expected);
    let foreign = sandbox.dump("rules").len() - rules.len();
    for rule in &rules {
        sandbox.apply(&json!([request("rule.del", rule)]));
        assert_eq!(
            sandbox.refusal(&request("rule.del", rule))["code"],
            "ENOENT"
        );
    }
    assert_eq!(sandbox.dump("rules").len(), foreign);
}

#[test]
fn deleting_a_rule_spares_a_narrower_one_of_the_same_priority() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    let narrow = json!({ "family": 4, "priority": 100, "from": "10.1.0.0/16", "table": 1000, "protocol": 78 });
    let wide = json!({ "family": 4, "priority": 100, "table": 1000, "protocol": 78 });
    sandbox.apply(&json!([
        request("rule.add", &narrow),
        request("rule.add", &wide),
        request("rule.del", &wide)
    ]));
    let left = ours(&sandbox, "rules");
    assert_eq!((left.len(), &left[0]["from"]), (1, &json!("10.1.0.0/16")));
    assert_eq!(
        sandbox.refusal(&request("rule.del", &wide))["code"],
        "ENOENT"
    );
    assert_eq!(ours(&sandbox, "rules").len(), 1);
}

#[test]
fn neighbours_and_proxies_are_made_changed_and_removed() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    for to in ["10.0.0.77", "fd00:a::77"] {
        let mut wanted =
            json!({ "dev": "a0", "to": to, "mac": "02:00:00:00:00:09", "protocol": 78 });
        sandbox.apply(&json!([request("neighbor.add", &wanted)]));
        wanted["mac"] = json!("02:00:00:00:00:0a");
        sandbox.apply(&json!([request("neighbor.add", &wanted)]));
        let found = ours(&sandbox, "neighbors");
        assert_eq!(found.len(), 1, "{found:?}");
        let seen = ["index", "to", "mac", "state", "proxy"].map(|key| found[0][key].clone());
        let index = json!(sandbox.index("a0"));
        assert_eq!(
            seen,
            [
                index,
                json!(to),
                json!("02:00:00:00:00:0a"),
                json!("permanent"),
                json!(false)
            ]
        );
        sandbox.apply(&json!([{ "op": "neighbor.del", "dev": "a0", "to": to }]));
        assert_eq!(ours(&sandbox, "neighbors").len(), 0);

        sandbox.apply(&json!([{ "op": "neighbor.add", "dev": "a0", "to": to, "proxy": true, "protocol": 78 }]));
        let found = ours(&sandbox, "neighbors");
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (&found[0]["to"], &found[0]["proxy"], &found[0]["mac"]),
            (&json!(to), &json!(true), &Value::Null)
        );
        let gone = json!({ "op": "neighbor.del", "dev": "a0", "to": to, "proxy": true });
        sandbox.apply(&json!([gone]));
        assert_eq!(ours(&sandbox, "neighbors").len(), 0);
        assert_eq!(sandbox.refusal(&gone)["code"], "ENOENT");
    }
    let bare = json!({ "op": "neighbor.add", "dev": "a0", "to": "10.0.0.77", "protocol": 78 });
    assert_eq!(
        sandbox.refusal(&bare)["message"],
        "a permanent neighbour needs its MAC address"
    );
}

#[test]
fn a_neighbour_that_nobody_used_is_asked_for() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    sandbox.apply(&json!([{ "op": "neighbor.resolve", "dev": "a0", "to": "10.0.0.88" }]));
    let found = sandbox.dump("neighbors");
    let asked = found
        .iter()
        .find(|entry| entry["to"] == "10.0.0.88")
        .unwrap();
    assert_eq!(
        (&asked["state"], &asked["mac"]),
        (&json!("incomplete"), &Value::Null)
    );
}

#[test]
fn a_bridge_keeps_a_static_entry_for_a_port() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    sandbox.apply(&json!([
        { "op": "link.add", "type": "bridge", "name": "br0", "group": crate::sandbox::GROUP, "up": true },
        { "op": "link.set", "name": "a0", "master": "br0" },
        { "op": "fdb.add", "dev": "a0", "mac": "02:00:00:00:00:09" },
        { "op": "fdb.add", "dev": "a0", "mac": "02:00:00:00:00:09" },
    ]));
    let entry = json!({ "index": sandbox.index("a0"), "mac": "02:00:00:00:00:09", "remote": null, "vni": null,
                        "port": null, "vlan": null });
    // A kernel that knows VLANs repeats it for each VLAN of the port.
    assert!(sandbox.dump("fdb").contains(&entry));
    let gone = json!({ "op": "fdb.del", "dev": "a0", "mac": "02:00:00:00:00:09" });
    sandbox.apply(&json!([gone]));
    assert_eq!(sandbox.dump("fdb"), [] as [Value; 0]);
    assert_eq!(sandbox.refusal(&gone)["code"], "ENOENT");
}

#[test]
fn addresses_keep_lifetimes_and_leave_routes_to_others() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    let routes = || {
        let routes = sandbox.dump("routes").into_iter();
        let to: Vec<_> = routes.map(|route| route["to"].to_string()).collect();
        ["\"10.8.0.0/24\"", "\"fd00:8::/64\""].map(|network| to.iter().any(|to| to == network))
    };
    for address in ["10.8.0.1/24", "fd00:8::1/64"] {
        let mut wanted = json!({ "op": "address.add", "dev": "a0", "address": address, "proto": 78, "noDad": true,
                                 "noPrefixRoute": true, "validLifetime": 600, "preferredLifetime": 0 });
        sandbox.apply(&json!([wanted]));
        let found = sandbox.address(address);
        assert_eq!(found["preferredLifetime"], 0, "{found}");
        assert!(
            (599..=600).contains(&found["validLifetime"].as_u64().unwrap()),
            "{found}"
        );
        let flags = found["flags"].as_array().unwrap();
        assert!(flags.contains(&json!("noprefixroute")) && flags.contains(&json!("deprecated")));
        // The same one again only changes lifetimes, here to "for ever".
        for key in ["validLifetime", "preferredLifetime"] {
            wanted.as_object_mut().unwrap().remove(key);
        }
        sandbox.apply(&json!([wanted]));
        let found = sandbox.address(address);
        let lifetimes = [&found["validLifetime"], &found["preferredLifetime"]];
        assert_eq!(lifetimes, [&Value::Null; 2]);
    }
    assert_eq!(routes(), [false, false]);
}

#[test]
fn a_changed_lifetime_does_not_cut_the_network_off() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    let address = |lifetime: Option<u32>| {
        json!({ "op": "address.add", "dev": "a0", "address": "fd00:9::1/64", "proto": 78, "noDad": true,
                "validLifetime": lifetime })
    };
    sandbox.apply(&json!([{ "op": "link.set", "name": "a0", "up": true }]));
    sandbox.apply(&json!([
        address(None),
        address(Some(600)),
        address(Some(900))
    ]));
    // A router is taken only where the network of the address is reached, and no longer once the address is gone.
    let route = json!({ "op": "route.add", "to": "fd09::/48", "via": "fd00:9::7", "dev": "a0", "protocol": 78 });
    sandbox.apply(&json!([route]));
    sandbox.apply(&json!([{ "op": "address.del", "dev": "a0", "address": "fd00:9::1/64" }]));
    assert_eq!(sandbox.refusal(&route)["code"], "EHOSTUNREACH");
}

#[test]
fn what_is_asked_of_the_kernel_is_counted() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    let before = sandbox.sockets().requests();
    sandbox.dump("links");
    let looked = sandbox.sockets().requests();
    assert_eq!(looked.changes, before.changes);
    assert!(looked.reads > before.reads);
    sandbox.apply(&json!([{ "op": "link.set", "name": "a0", "up": true }]));
    let changed = sandbox.sockets().requests();
    assert_eq!(
        (changed.changes, changed.reads),
        (looked.changes + 1, looked.reads)
    );
    assert!(netloom_net::counters::of_this_process().changes >= changed.changes);
}

#[test]
fn drivers_say_whether_somebody_is_there() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    let states = || -> Vec<Value> {
        let states = sandbox.sockets().link_states().unwrap();
        serde_json::from_str(&states).unwrap()
    };
    let of = |name: &str| {
        states()
            .into_iter()
            .find(|state| state["name"] == name)
            .unwrap()
    };
    let veth = of("a0");
    assert_eq!(veth["index"], sandbox.index("a0"));
    // drivers/net/veth.c says 10 Gb/s of every pair.
    let said = ["link", "speed", "duplex"].map(|key| veth[key].clone());
    assert_eq!(said, [json!(true), json!(10_000), json!("full")]);
    sandbox.apply(&json!([{ "op": "link.set", "name": "a1", "up": false }]));
    assert_eq!(of("a0")["link"], false);
}
