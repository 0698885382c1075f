use std::process::Command;

use serde_json::{Value, json};

use crate::sandbox::{GROUP, Sandbox};

#[test]
fn kinds_with_options_are_read_back_as_they_were_asked_for() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    let cases = [
        (
            "vxlan",
            Some("a0"),
            json!({ "vni": 7, "local": "10.0.0.1", "group": "239.1.1.1", "port": 4789,
                                      "learning": false, "ttl": 5 }),
        ),
        ("macvlan", Some("a0"), json!({ "mode": "bridge" })),
        ("macvtap", Some("b0"), json!({ "mode": "private" })),
        (
            "bridge",
            None,
            json!({ "stp": false, "forwardDelay": 4, "ageing": 600, "mcastSnooping": false }),
        ),
    ];
    for (kind, lower, options) in cases {
        sandbox.apply(&json!([{ "op": "link.add", "type": kind, "name": "x0", "group": GROUP, "up": true, "lower": lower,
                                "options": options }]));
        let found = sandbox.link("x0");
        assert_eq!(
            (&found["kind"], &found["group"]),
            (&json!(kind), &json!(GROUP))
        );
        for (key, value) in options.as_object().unwrap() {
            assert_eq!(&found["options"][key], value, "{kind} {key}");
        }
        let expected = lower.map(|name| json!({ "index": sandbox.index(name), "netnsId": null }));
        assert_eq!(found["lower"], expected.unwrap_or_default(), "{kind}");
        sandbox.apply(&json!([{ "op": "link.del", "names": ["x0"] }]));
    }
}

#[test]
fn options_and_port_flags_change_while_the_link_stays() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    sandbox.apply(&json!([
        { "op": "link.add", "type": "bridge", "name": "br0", "group": GROUP },
        { "op": "link.set", "name": "br0", "options": { "type": "bridge", "set": { "ageing": 30 } } },
        { "op": "link.set", "name": "a0", "master": "br0" },
        { "op": "link.port", "name": "a0", "port": { "isolated": true, "hairpin": true, "learning": false } },
    ]));
    assert_eq!(sandbox.link("br0")["options"]["ageing"], 30);
    let port = json!({ "isolated": true, "hairpin": true, "learning": false, "flood": true, "multicastFlood": true,
                       "broadcastFlood": true, "neighSuppress": false, "guard": false });
    assert_eq!(sandbox.link("a0")["port"], port);
    assert_eq!(sandbox.link("b0")["port"], Value::Null);
}

#[test]
fn a_vxlan_sends_unknown_frames_to_several_remotes() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    let entry = |op: &str, mac: &str, remote: &str| json!({ "op": op, "dev": "x0", "mac": mac, "remote": remote });
    let (zero, mac) = ("00:00:00:00:00:00", "02:00:00:00:00:09");
    sandbox.apply(&json!([
        { "op": "link.add", "type": "vxlan", "name": "x0", "group": GROUP, "options": { "vni": 7, "port": 4789 } },
        entry("fdb.add", zero, "192.0.2.1"),
        entry("fdb.add", zero, "192.0.2.2"),
        entry("fdb.add", mac, "192.0.2.1"),
        entry("fdb.add", mac, "192.0.2.2"),
    ]));
    let remotes = || {
        let entries = sandbox.dump("fdb").into_iter();
        let mut all: Vec<_> = entries
            .map(|entry| {
                format!(
                    "{} {}",
                    entry["mac"].as_str().unwrap(),
                    entry["remote"].as_str().unwrap()
                )
            })
            .collect();
        all.sort();
        all
    };
    let first = format!("{zero} 192.0.2.1");
    assert_eq!(
        remotes(),
        [
            first,
            format!("{zero} 192.0.2.2"),
            format!("{mac} 192.0.2.2")
        ]
    );
    sandbox.apply(&json!([entry("fdb.del", zero, "192.0.2.1")]));
    assert_eq!(
        remotes(),
        [format!("{zero} 192.0.2.2"), format!("{mac} 192.0.2.2")]
    );
}

#[test]
fn a_change_of_one_option_leaves_the_others() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    let vxlan = json!({ "vni": 7, "local": "10.0.0.1", "group": "192.0.2.9", "port": 4789, "learning": false, "ttl": 5 });
    sandbox.apply(&json!([
        { "op": "link.add", "type": "vxlan", "name": "x0", "group": GROUP, "lower": "a0", "options": vxlan },
        { "op": "link.add", "type": "macvlan", "name": "m0", "group": GROUP, "lower": "a0", "options": { "mode": "bridge" } },
    ]));
    let change = |name: &str, kind: &str, set: Value| json!([{ "op": "link.set", "name": name, "options": { "type": kind, "set": set } }]);
    sandbox.apply(&change("x0", "vxlan", json!({ "ttl": 9 })));
    let found = sandbox.link("x0");
    let mut expected = vxlan;
    expected["ttl"] = json!(9);
    assert_eq!(found["options"], expected);
    assert_eq!(found["lower"]["index"], sandbox.index("a0"));
    sandbox.apply(&change(
        "x0",
        "vxlan",
        json!({ "group": "192.0.2.10", "learning": true }),
    ));
    (expected["group"], expected["learning"]) = (json!("192.0.2.10"), json!(true));
    assert_eq!(sandbox.link("x0")["options"], expected);
    sandbox.apply(&change("m0", "macvlan", json!({ "mode": "private" })));
    assert_eq!(sandbox.link("m0")["options"]["mode"], "private");
    // What the kernel cannot change it refuses, and names.
    for (name, kind, set) in [
        ("x0", "vxlan", json!({ "vni": 8 })),
        ("x0", "bridge", json!({ "ageing": 30 })),
    ] {
        let refused = sandbox.refusal(&change(name, kind, set)[0]);
        assert_eq!(refused["code"], "EOPNOTSUPP", "{refused}");
    }
}

#[test]
fn an_end_of_a_veth_has_one_queue_whatever_the_processors() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    for end in ["a0", "a1"] {
        let shown = Command::new("nsenter")
            .args([
                &format!("--net={}", sandbox.path()),
                "ip",
                "-d",
                "link",
                "show",
                end,
            ])
            .output();
        let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
        assert!(shown.contains("numtxqueues 1 numrxqueues 1"), "{shown}");
    }
}
