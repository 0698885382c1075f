//! Digests of the monitor, ids of namespaces and lost events, against the kernel.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and say what they skip"
)]

use std::{
    process::{Command, Stdio},
    sync::mpsc::{self, Receiver},
    time::Duration,
};

use netloom_net::{
    Delivery, Monitor, Sockets, block_on, netns_id,
    ns::{Netns, exec_netns},
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(10);

/// A named namespace that is deleted with the value.
struct Named(String);

impl Named {
    fn new(name: &str) -> Self {
        Netns::new_named(name).unwrap();
        Self(name.to_owned())
    }

    fn path(&self) -> String {
        format!("/run/netns/{}", self.0)
    }

    /// Runs a program in it as others would, and returns its process id.
    fn run(&self, program: &str, arguments: &[&str]) -> u32 {
        let target = Netns::from_path(self.path()).unwrap();
        let work = async {
            let quiet = Command::new(program)
                .args(arguments)
                .stderr(Stdio::null())
                .spawn();
            let mut child = quiet?;
            child.wait()?;
            Ok(child.id())
        };
        block_on(exec_netns(&Netns::get().unwrap(), &target, work)).unwrap()
    }

    fn batch(&self, requests: &Value) {
        let sockets = Sockets::open(Some(&self.path())).unwrap();
        let outcomes = sockets.batch(&requests.to_string()).unwrap();
        assert!(!outcomes.contains("false"), "{outcomes}");
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        Netns::delete_named(&self.0).unwrap();
    }
}

fn listen(at: &Named, groups: &[&str]) -> (Monitor, Receiver<Value>) {
    let (sender, digests) = mpsc::channel();
    let groups: Vec<_> = groups.iter().map(|group| (*group).to_owned()).collect();
    let deliver = move |text: String| match sender.send(serde_json::from_str(&text).unwrap()) {
        Ok(()) => Delivery::Taken,
        Err(_) => Delivery::Gone,
    };
    (
        Monitor::digests(Some(&at.path()), &groups, deliver).unwrap(),
        digests,
    )
}

/// What was dirty in the namespace `nsid`, of all digests up to one that satisfies `enough`.
fn dirty_until(digests: &Receiver<Value>, nsid: &Value, enough: impl Fn(&Value) -> bool) -> Value {
    loop {
        let digest = digests.recv_timeout(PATIENCE).unwrap();
        assert_eq!(digest["overrun"], false);
        let of = digest["dirty"].as_array().unwrap().iter();
        if let Some(found) = of
            .into_iter()
            .find(|dirty| dirty["nsid"] == *nsid && enough(dirty))
        {
            return found.clone();
        }
    }
}

#[test]
fn a_namespace_without_an_id_is_not_heard_until_it_gets_one() {
    let (here, there) = (Named::new("m-here"), Named::new("m-there"));
    let (_monitor, digests) = listen(&here, &["link"]);
    there.run("ip", &["link", "add", "br0", "type", "bridge"]);
    let id = netns_id::id_of(&there.path(), Some(&here.path())).unwrap();
    assert!(id >= 0);
    assert_eq!(
        netns_id::id_of(&there.path(), Some(&here.path())).unwrap(),
        id
    );
    there.run("ip", &["link", "add", "br1", "type", "bridge"]);
    let dirty = dirty_until(&digests, &json!(id), |dirty| {
        dirty["names"] == json!(["br1"])
    });
    assert_eq!(dirty["kinds"], json!(["link"]));
    let gone = netns_id::id_of("/run/netns/none", None).unwrap_err();
    assert_eq!(
        (gone.code().as_str(), gone.target.as_str()),
        ("ENOENT", "/run/netns/none")
    );
}

#[test]
fn a_digest_says_who_did_it() {
    let here = Named::new("m-who");
    let (_monitor, digests) = listen(&here, &["address", "route", "rule"]);
    for (kind, arguments) in [
        ("address", "address add 10.7.0.1/32 dev lo"),
        ("route", "route add 10.8.0.0/16 dev lo"),
        ("rule", "rule add priority 7 table 7"),
    ] {
        let pid = here.run("ip", &arguments.split(' ').collect::<Vec<_>>());
        let by = |dirty: &Value| {
            let actors = dirty["actors"].as_array().unwrap();
            let known = |actor: &Value| actor["program"].is_null() || actor["program"] == "ip";
            actors
                .iter()
                .any(|actor| actor["pid"] == pid && actor["kind"] == kind && known(actor))
        };
        dirty_until(&digests, &Value::Null, by);
    }
}

#[test]
fn a_transaction_of_rules_names_its_program_though_it_has_ended() {
    let here = Named::new("m-nft");
    let (_monitor, digests) = listen(&here, &["nft"]);
    if Command::new("nft").arg("--version").output().is_err() {
        println!("SKIPPED: no nft here");
        return;
    }
    here.run("nft", &["add table inet other"]);
    let dirty = dirty_until(&digests, &Value::Null, |_| true);
    // Its process id is that of the first pid namespace, which need not be ours.
    assert_eq!(dirty["actors"][0]["program"], "nft");
}

#[test]
fn our_own_requests_are_counted_and_mark_nothing() {
    let here = Named::new("m-own");
    let (_monitor, digests) = listen(&here, &["route", "rule"]);
    let other = Sockets::open(Some(&here.path())).unwrap();
    let add = json!([{ "op": "route.add", "to": "10.9.0.0/16", "dev": "lo", "protocol": 77 }]);
    let added = other.batch(&add.to_string()).unwrap();
    assert!(added.contains(r#""ok":true"#), "{added}");
    let pid = here.run("ip", &["route", "del", "10.9.0.0/16"]);
    let digest = digests.recv_timeout(PATIENCE).unwrap();
    assert_eq!(digest["own"], 1);
    let actors = &digest["dirty"][0]["actors"];
    assert_eq!(actors.as_array().unwrap().len(), 1);
    assert_eq!(actors[0]["pid"], pid);
    assert_eq!(digest["dirty"][0]["kinds"], json!(["route"]));
}

#[test]
fn a_burst_is_few_digests() {
    let here = Named::new("m-burst");
    let (_monitor, digests) = listen(&here, &["link", "route", "neighbour"]);
    let add: Vec<_> = (0..500)
        .map(|n| format!("route add 10.{}.{}.0/24 dev lo", n / 256, n % 256))
        .collect();
    let file = std::env::temp_dir().join(format!("netloom-burst-{}", std::process::id()));
    std::fs::write(&file, add.join("\n")).unwrap();
    here.run("ip", &["-batch", file.to_str().unwrap()]);
    std::fs::remove_file(&file).unwrap();
    here.batch(&json!([{ "op": "link.add", "type": "bridge", "name": "last", "group": 0 }]));
    here.run("ip", &["link", "del", "last"]);
    let mut heard = 0;
    loop {
        heard += 1;
        let digest = digests.recv_timeout(PATIENCE).unwrap();
        assert_eq!(digest["overrun"], false);
        if digest["dirty"][0]["names"] == json!(["last"]) {
            break;
        }
    }
    assert!(heard < 50, "{heard} digests of 500 routes");
}

#[test]
fn an_unknown_group_is_refused_by_name() {
    let refused = Monitor::digests(None, &["lnik".to_owned()], |_| Delivery::Taken).unwrap_err();
    assert_eq!(refused.code(), "EINVAL");
    assert!(
        refused
            .to_string()
            .contains("lnik: not one of link, neighbour"),
        "{refused}"
    );
}
