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
