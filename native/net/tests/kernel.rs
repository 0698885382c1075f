//! Against the real kernel, in namespaces with random names. What this kernel or user cannot do is skipped and said.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, and say what they skip"
)]

use std::{
    process::{self, Command},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use netloom_net::{Delivery, Monitor, Sockets, netns};
use serde_json::{Value, json};

const GROUP: u32 = 777;

/// A namespace that is deleted with the value.
struct Netns(String);

impl Netns {
    /// `None`, with a word about it, for users who may not.
    fn fresh() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "rs-{}-{}",
            process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        match netns::create(&name, GROUP) {
            Ok(()) => Some(Self(name)),
            Err(error) if matches!(error.code().as_str(), "EPERM" | "EACCES") => {
                println!("SKIPPED: {error}");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn path(&self) -> String {
        format!("/run/netns/{}", self.0)
    }

    fn sockets(&self) -> Sockets {
        Sockets::open(Some(&self.path())).unwrap()
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        netns::delete(&self.0).unwrap();
    }
}

fn batch(sockets: &Sockets, requests: &Value) -> Vec<Value> {
    serde_json::from_str(&sockets.batch(&requests.to_string()).unwrap()).unwrap()
}

fn apply(sockets: &Sockets, requests: &Value) {
    for outcome in batch(sockets, requests) {
        assert_eq!(outcome["ok"], true, "{outcome}");
    }
}

fn links(sockets: &Sockets) -> Vec<Value> {
    let dump: Value = serde_json::from_str(&sockets.dump(r#"["links"]"#).unwrap()).unwrap();
    dump["links"].as_array().unwrap().clone()
}

#[test]
fn a_dump_is_whole_or_refused_while_the_table_changes() {
    let Some(netns) = Netns::fresh() else { return };
    let names: Vec<_> = (0..200).map(|number| format!("b{number}")).collect();
    let add: Vec<_> = names
        .iter()
        .map(|name| json!({ "op": "link.add", "type": "bridge", "name": name, "group": GROUP }))
        .collect();
    apply(&netns.sockets(), &json!(add));
    let (reader, writer) = (netns.sockets(), netns.sockets());
    let (stop, stopped) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let churn = json!([
                { "op": "link.add", "type": "veth", "name": "x", "group": GROUP,
                  "peer": { "name": "y", "group": GROUP } },
                { "op": "link.del", "names": ["x"] },
            ]);
            while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
                apply(&writer, &churn);
            }
        });
        for _ in 0..20 {
            match reader.dump(r#"["links"]"#) {
                Ok(dump) => {
                    let dump: Value = serde_json::from_str(&dump).unwrap();
                    let seen = dump["links"].as_array().unwrap();
                    for name in &names {
                        let count = seen.iter().filter(|link| link["name"] == **name).count();
                        assert_eq!(count, 1, "{name}");
                    }
                }
                Err(error) => assert_eq!(error.code(), "EINTR"),
            }
        }
        drop(stop);
    });
}

#[test]
fn many_namespaces_are_opened_by_one_call() {
    let (Some(one), Some(two)) = (Netns::fresh(), Netns::fresh()) else {
        return;
    };
    let bridge = json!([{ "op": "link.add", "type": "bridge", "name": "br0", "group": GROUP }]);
    apply(&two.sockets(), &bridge);
    let paths = [one.path(), "/run/netns/none".to_owned(), two.path()];
    let opened = Sockets::open_many(&paths).unwrap();
    let [Ok(first), Err(refused), Ok(last)] = opened.as_slice() else {
        panic!("{opened:?}");
    };
    assert_eq!(
        (refused.code().as_str(), refused.target.as_str()),
        ("ENOENT", "/run/netns/none")
    );
    let has_bridge = |sockets| links(sockets).iter().any(|link| link["name"] == "br0");
    assert_eq!((has_bridge(first), has_bridge(last)), (false, true));
}

#[test]
fn base_chains_of_others_are_seen_with_their_policy() {
    let Some(netns) = Netns::fresh() else { return };
    let sockets = netns.sockets();
    let chains = || serde_json::from_str::<Value>(&sockets.nft_chains().unwrap()).unwrap();
    assert_eq!(chains()["chains"], json!([]));
    let ruleset = "add table ip foreign
add chain ip foreign called
add chain ip foreign passing { type filter hook forward priority -5; policy drop; }";
    let nft = Command::new("ip")
        .args(["netns", "exec", &netns.0, "nft", ruleset])
        .status();
    if !nft.is_ok_and(|status| status.success()) {
        println!("SKIPPED: no nft here");
        return;
    }
    let chain = json!({ "family": "ip", "table": "foreign", "name": "passing", "type": "filter", "hook": "forward",
                        "priority": -5, "policy": "drop" });
    assert_eq!(chains()["chains"], json!([chain]));
}

#[test]
fn a_monitor_ends_when_it_is_closed() {
    let Some(netns) = Netns::fresh() else { return };
    let (sender, events) = mpsc::channel();
    let deliver = move |event| match sender.send(event) {
        Ok(()) => Delivery::Taken,
        Err(_) => Delivery::Gone,
    };
    let mut monitor = Monitor::open(Some(&netns.path()), deliver).unwrap();
    let sockets = netns.sockets();
    apply(
        &sockets,
        &json!([{ "op": "link.add", "type": "bridge", "name": "br0", "group": GROUP }]),
    );
    let made = r#"{"type":"link","action":"new","nsid":null,"index":2,"name":"br0"}"#;
    while events.recv_timeout(Duration::from_secs(10)).unwrap() != made {}
    monitor.close();
    // The sender is gone with the thread, so this ends.
    assert!(events.iter().count() < 10);
}

#[test]
fn a_receiver_without_room_hears_of_the_loss() {
    let Some(netns) = Netns::fresh() else { return };
    let (sender, events) = mpsc::sync_channel(1);
    let deliver = move |event| match sender.try_send(event) {
        Ok(()) => Delivery::Taken,
        Err(_) => Delivery::Full,
    };
    let _monitor = Monitor::open(Some(&netns.path()), deliver).unwrap();
    let name = ["b0", "b1", "b2"];
    let add = name
        .map(|name| json!({ "op": "link.add", "type": "bridge", "name": name, "group": GROUP }));
    apply(&netns.sockets(), &json!(add));
    let overrun = |event: &String| event.contains(r#""type":"overrun""#);
    while !overrun(&events.recv_timeout(Duration::from_secs(10)).unwrap()) {}
}

#[test]
fn wireguard_is_born_elsewhere_and_changed_peer_by_peer() {
    let (Some(here), Some(there)) = (Netns::fresh(), Netns::fresh()) else {
        return;
    };
    let born = batch(
        &here.sockets(),
        &json!([{ "op": "link.add", "type": "wireguard", "name": "w0", "group": GROUP, "mtu": 1420, "up": true,
                  "netnsPath": there.path() }]),
    );
    if born[0]["code"] == "EOPNOTSUPP" {
        println!("SKIPPED: this kernel has no WireGuard");
        return;
    }
    assert_eq!(born[0]["ok"], true, "{born:?}");
    let sockets = there.sockets();
    let key = |byte: u8| BASE64.encode([byte; 32]);
    let set = |config: Value| sockets.wireguard_set("w0", &config.to_string()).unwrap();
    let get = || serde_json::from_str::<Value>(&sockets.wireguard_get("w0").unwrap()).unwrap();
    let allowed: Vec<_> = (0..600)
        .map(|n| format!("10.{}.{}.0/24", n / 256, n % 256))
        .collect();
    set(
        json!({ "privateKey": key(0x40), "listenPort": 51820, "peers": [
            { "publicKey": key(1), "endpoint": "192.0.2.1:51820", "allowedIps": ["172.16.0.0/16", "fd00::/48"],
              "persistentKeepalive": 25 },
            { "publicKey": key(2), "endpoint": "[2001:db8::1]:51821", "allowedIps": allowed, "presharedKey": key(9) },
            { "publicKey": key(3) },
        ]}),
    );
    let device = get();
    assert_eq!(device["listenPort"], 51820);
    assert_eq!(device["hasPrivateKey"], true);
    assert!(device["publicKey"].is_string());
    assert!(!device.to_string().contains(&key(0x40)));
    let peer = |device: &Value, byte| {
        let peers = device["peers"].as_array().unwrap();
        peers
            .iter()
            .find(|peer| peer["publicKey"] == key(byte))
            .cloned()
    };
    let first = peer(&device, 1).unwrap();
    assert_eq!(first["endpoint"], "192.0.2.1:51820");
    assert_eq!(first["persistentKeepalive"], 25);
    assert_eq!(first["lastHandshake"], 0.0);
    assert_eq!(first["allowedIps"].as_array().unwrap().len(), 2);
    let second = peer(&device, 2).unwrap();
    assert_eq!(second["endpoint"], "[2001:db8::1]:51821");
    assert_eq!(second["allowedIps"].as_array().unwrap().len(), 600);
    assert_eq!(second["hasPresharedKey"], true);
    set(json!({ "peers": [
        { "publicKey": key(1), "updateOnly": true, "allowedIps": ["172.17.0.0/16"] },
        { "publicKey": key(3), "remove": true },
        { "publicKey": key(4), "updateOnly": true },
    ]}));
    let device = get();
    assert_eq!(device["peers"].as_array().unwrap().len(), 2);
    assert_eq!(
        peer(&device, 1).unwrap()["allowedIps"],
        json!(["172.17.0.0/16"])
    );
    assert_eq!(peer(&device, 1).unwrap()["endpoint"], "192.0.2.1:51820");
    assert_eq!(peer(&device, 2).unwrap(), second);
    assert_eq!(sockets.wireguard_get("none").unwrap_err().code(), "ENODEV");
}

#[test]
fn a_namespace_is_released_when_its_sockets_are() {
    let (Some(here), Some(there)) = (Netns::fresh(), Netns::fresh()) else {
        return;
    };
    let (near, far) = (here.sockets(), there.sockets());
    apply(
        &near,
        &json!([{ "op": "link.add", "type": "veth", "name": "v0", "group": GROUP,
                  "peer": { "name": "v1", "group": GROUP, "netnsPath": there.path() } }]),
    );
    let (sender, events) = mpsc::channel();
    let deliver = move |event| match sender.send(event) {
        Ok(()) => Delivery::Taken,
        Err(_) => Delivery::Gone,
    };
    let _monitor = Monitor::open(Some(&here.path()), deliver).unwrap();
    drop(there);
    assert!(
        links(&near).iter().any(|link| link["name"] == "v0"),
        "an open socket keeps the namespace"
    );
    drop(far);
    let gone = |event: String| event.contains(r#""type":"link","action":"del""#);
    while !gone(events.recv_timeout(Duration::from_secs(10)).unwrap()) {}
}
