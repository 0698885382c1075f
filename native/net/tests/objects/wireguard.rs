use std::{
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use netloom_net::{
    block_on,
    ns::{Netns, exec_netns},
};
use serde_json::{Value, json};

use crate::sandbox::{GROUP, Sandbox};

const PATIENCE: Duration = Duration::from_mins(1);

fn key(byte: u8) -> String {
    BASE64.encode([byte; 32])
}

/// The device `name` of `there`, with its UDP socket in `here`; `None`, with a word about it, without WireGuard.
fn device(here: &Sandbox, there: &Sandbox, name: &str) -> Option<()> {
    let wanted = json!({ "op": "link.add", "type": "wireguard", "name": name, "group": GROUP, "mtu": 1420, "up": true,
                         "netnsPath": there.path() });
    (!here.lacks(&wanted)).then_some(())
}

fn set(sandbox: &Sandbox, name: &str, config: &Value) {
    let set = sandbox.sockets().wireguard_set(name, &config.to_string());
    set.unwrap();
}

fn get(sandbox: &Sandbox, name: &str) -> Value {
    let device = sandbox.sockets().wireguard_get(name).unwrap();
    serde_json::from_str(&device).unwrap()
}

fn peer(device: &Value, key: &str) -> Option<Value> {
    let mut peers = device["peers"].as_array().unwrap().iter();
    peers.find(|peer| peer["publicKey"] == key).cloned()
}

#[test]
fn a_device_is_born_elsewhere_and_changed_peer_by_peer() {
    let (Some(here), Some(there)) = (Sandbox::fresh(), Sandbox::fresh()) else {
        return;
    };
    let Some(()) = device(&here, &there, "w0") else {
        return;
    };
    let allowed: Vec<_> = (0..600)
        .map(|n| format!("10.{}.{}.0/24", n / 256, n % 256))
        .collect();
    set(
        &there,
        "w0",
        &json!({ "privateKey": key(0x40), "listenPort": 51820, "peers": [
            { "publicKey": key(1), "endpoint": "192.0.2.1:51820", "allowedIps": ["172.16.0.0/16", "fd00::/48"],
              "persistentKeepalive": 25 },
            { "publicKey": key(2), "endpoint": "[2001:db8::1]:51821", "allowedIps": allowed, "presharedKey": key(9) },
            { "publicKey": key(3) },
        ]}),
    );
    let device = get(&there, "w0");
    assert_eq!(device["listenPort"], 51820);
    assert_eq!(device["hasPrivateKey"], true);
    assert!(device["publicKey"].is_string());
    assert!(!device.to_string().contains(&key(0x40)));
    let first = peer(&device, &key(1)).unwrap();
    assert_eq!(first["endpoint"], "192.0.2.1:51820");
    assert_eq!(first["persistentKeepalive"], 25);
    assert_eq!(first["lastHandshake"], 0.0);
    assert_eq!(first["allowedIps"].as_array().unwrap().len(), 2);
    let second = peer(&device, &key(2)).unwrap();
    assert_eq!(second["endpoint"], "[2001:db8::1]:51821");
    assert_eq!(second["allowedIps"].as_array().unwrap().len(), 600);
    assert_eq!(second["hasPresharedKey"], true);
    set(
        &there,
        "w0",
        &json!({ "peers": [
            { "publicKey": key(1), "updateOnly": true, "allowedIps": ["172.17.0.0/16"] },
            { "publicKey": key(3), "remove": true },
            { "publicKey": key(4), "updateOnly": true },
        ]}),
    );
    let device = get(&there, "w0");
    assert_eq!(device["peers"].as_array().unwrap().len(), 2);
    let first = peer(&device, &key(1)).unwrap();
    assert_eq!(first["allowedIps"], json!(["172.17.0.0/16"]));
    assert_eq!(first["endpoint"], "192.0.2.1:51820");
    assert_eq!(peer(&device, &key(2)).unwrap(), second);
    let missing = there.sockets().wireguard_get("none").unwrap_err();
    assert_eq!(missing.code(), "ENODEV");
}

#[test]
fn a_thousand_peers_go_by_several_messages() {
    let (Some(here), Some(there)) = (Sandbox::fresh(), Sandbox::fresh()) else {
        return;
    };
    let Some(()) = device(&here, &there, "w0") else {
        return;
    };
    let key_of = |number: u16| {
        let mut octets = [7; 32];
        octets[..2].copy_from_slice(&number.to_be_bytes());
        BASE64.encode(octets)
    };
    let peers: Vec<_> = (1..=1000)
        .map(|n: u16| {
            let [high, low] = n.to_be_bytes();
            json!({ "publicKey": key_of(n), "presharedKey": key(9), "endpoint": format!("192.0.2.1:{}", 10_000 + n),
                    "allowedIps": [format!("10.{high}.{low}.0/24"), format!("fd00:{n:x}::/32")] })
        })
        .collect();
    let sent = there.sockets().requests().changes;
    set(
        &there,
        "w0",
        &json!({ "privateKey": key(0x40), "peers": peers }),
    );
    let messages = there.sockets().requests().changes - sent;
    assert!((2..100).contains(&messages), "{messages} messages");
    let device = get(&there, "w0");
    let seen = device["peers"].as_array().unwrap();
    assert_eq!(seen.len(), 1000);
    for wanted in &peers {
        let seen = peer(&device, wanted["publicKey"].as_str().unwrap()).unwrap();
        assert_eq!(seen["endpoint"], wanted["endpoint"]);
        assert_eq!(seen["hasPresharedKey"], true);
        let mut allowed: Vec<_> = seen["allowedIps"].as_array().unwrap().clone();
        allowed.sort_by_key(ToString::to_string);
        assert_eq!(Value::from(allowed), wanted["allowedIps"]);
    }
    // One of them changes: the other 999 are as they were.
    let changed = key_of(500);
    let change = json!({ "peers": [{ "publicKey": changed, "updateOnly": true, "persistentKeepalive": 5 }] });
    set(&there, "w0", &change);
    let after = get(&there, "w0");
    let others = |device: &Value| -> Vec<Value> {
        let peers = device["peers"].as_array().unwrap().iter();
        peers
            .filter(|peer| peer["publicKey"] != changed.as_str())
            .cloned()
            .collect()
    };
    assert_eq!(others(&after), others(&device));
    assert_eq!(peer(&after, &changed).unwrap()["persistentKeepalive"], 5);
    let gone: Vec<_> = (1..1000)
        .map(|n| json!({ "publicKey": key_of(n), "remove": true }))
        .collect();
    set(&there, "w0", &json!({ "peers": gone }));
    let left = get(&there, "w0");
    assert_eq!(left["peers"].as_array().unwrap().len(), 1);
    assert!(peer(&left, &key_of(1000)).is_some());
}

#[test]
fn peers_that_talk_have_statistics() {
    let (Some(left), Some(right)) = (Sandbox::fresh(), Sandbox::fresh()) else {
        return;
    };
    for (sandbox, name) in [(&left, "wl"), (&right, "wr")] {
        let Some(()) = device(sandbox, sandbox, name) else {
            return;
        };
    }
    left.apply(&json!([
        { "op": "link.add", "type": "veth", "name": "v0", "group": GROUP, "up": true,
          "peer": { "name": "v1", "group": GROUP, "up": true, "netnsPath": right.path() } },
        { "op": "address.add", "dev": "v0", "address": "192.0.2.1/24", "proto": 78 },
        { "op": "address.add", "dev": "wl", "address": "10.0.0.1/24", "proto": 78 },
    ]));
    right.apply(&json!([
        { "op": "address.add", "dev": "v1", "address": "192.0.2.2/24", "proto": 78 },
        { "op": "address.add", "dev": "wr", "address": "10.0.0.2/24", "proto": 78 },
    ]));
    for (sandbox, name, byte) in [(&left, "wl", 0x41), (&right, "wr", 0x42)] {
        set(
            sandbox,
            name,
            &json!({ "privateKey": key(byte), "listenPort": 51820 }),
        );
    }
    let public = |sandbox: &Sandbox, name: &str| get(sandbox, name)["publicKey"].clone();
    let (left_key, right_key) = (public(&left, "wl"), public(&right, "wr"));
    let to = |key: &Value, host: u8| {
        json!({ "peers": [{ "publicKey": key, "presharedKey": BASE64.encode([9; 32]), "endpoint": format!("192.0.2.{host}:51820"),
                            "allowedIps": [format!("10.0.0.{host}/32")] }] })
    };
    set(&left, "wl", &to(&right_key, 2));
    set(&right, "wr", &to(&left_key, 1));
    let bound = |sandbox: &Sandbox, address: &str| -> UdpSocket {
        let (here, there) = (
            Netns::get().unwrap(),
            Netns::from_path(sandbox.path()).unwrap(),
        );
        let address: SocketAddr = address.parse().unwrap();
        let bind = async move { Ok::<_, anyhow::Error>(UdpSocket::bind(address)?) };
        block_on(exec_netns(&here, &there, bind)).unwrap()
    };
    let (from, into) = (bound(&left, "10.0.0.1:7"), bound(&right, "10.0.0.2:7"));
    into.set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    let mut buffer = [0; 16];
    loop {
        from.send_to(b"hello", "10.0.0.2:7").unwrap();
        if into.recv(&mut buffer).is_ok() {
            break;
        }
        assert!(Instant::now() < deadline, "nothing came through");
    }
    for (sandbox, name, other) in [(&left, "wl", &right_key), (&right, "wr", &left_key)] {
        let seen = peer(&get(sandbox, name), other.as_str().unwrap()).unwrap();
        assert!(seen["lastHandshake"].as_f64().unwrap() > 1e9, "{seen}");
        // The messages of a handshake have 148 and 92 bytes.
        for key in ["rxBytes", "txBytes"] {
            assert!(seen[key].as_u64().unwrap() >= 92, "{seen}");
        }
    }
}
