use netloom_net::{
    block_on,
    ns::{Netns, exec_netns},
};
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
fn a_link_that_is_on_gets_another_name_and_keeps_its_number() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    let index = sandbox.index("a0");
    sandbox.apply(&json!([
        { "op": "link.set", "name": "a0", "up": true },
        { "op": "link.rename", "name": "a0", "to": "lan0" },
    ]));
    assert_eq!(sandbox.index("lan0"), index);
    assert_eq!(sandbox.link("lan0")["up"], true);
    let refused = sandbox.refusal(&json!({ "op": "link.rename", "name": "lan0", "to": "b0" }));
    assert_eq!(refused["code"], "EEXIST");
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
    const IFLA_NUM_TX_QUEUES: u16 = 31;
    const IFLA_NUM_RX_QUEUES: u16 = 32;
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    for end in ["a0", "a1"] {
        let attributes = raw_attributes(&sandbox, end);
        let number = |kind| {
            let found = attributes.iter().find(|(found, _)| *found == kind);
            found.map(|(_, value)| value.clone())
        };
        let one = Some(1_u32.to_ne_bytes().to_vec());
        assert_eq!(number(IFLA_NUM_TX_QUEUES), one, "{end}");
        assert_eq!(number(IFLA_NUM_RX_QUEUES), one, "{end}");
    }
}

/// What the kernel says of a link, also what the library does not read.
fn raw_attributes(sandbox: &Sandbox, link: &str) -> Vec<(u16, Vec<u8>)> {
    const HEADERS: usize = 32;
    let index = u32::try_from(sandbox.index(link)).unwrap();
    let ask = async move {
        let mut socket = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_ROUTE)?;
        socket.bind_auto()?;
        // RTM_GETLINK 18, NLM_F_REQUEST 1, and a struct ifinfomsg that names the index
        let mut message = [0; HEADERS];
        (message[0], message[4], message[6]) = (32, 18, 1);
        message[20..24].copy_from_slice(&index.to_ne_bytes());
        socket.send(&message, 0)?;
        Ok(socket.recv_from_full()?.0)
    };
    let (here, there) = (
        Netns::get().unwrap(),
        Netns::from_path(sandbox.path()).unwrap(),
    );
    let answer = block_on(exec_netns(&here, &there, ask)).unwrap();
    let mut rest = &answer[HEADERS..];
    let mut attributes = Vec::new();
    while let [low, high, kind, kind_high, ..] = *rest {
        let length = usize::from(u16::from_ne_bytes([low, high]));
        let kind = u16::from_ne_bytes([kind, kind_high]);
        attributes.push((kind, rest[4..length].to_vec()));
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    attributes
}
