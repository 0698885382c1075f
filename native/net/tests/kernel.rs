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
