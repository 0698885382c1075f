//! A namespace that is deleted with the value, and what the tests do in it.

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use netloom_net::{Sockets, netns};
use serde_json::{Value, json};

pub(crate) const GROUP: u32 = 777;

pub(crate) struct Sandbox {
    name: String,
    sockets: Option<Sockets>,
}

impl Sandbox {
    /// `None`, with a word about it, for users who may not.
    pub(crate) fn fresh() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ro-{}-{count}", process::id());
        match netns::create(&name, GROUP) {
            Ok(()) => {
                let sockets = Some(Sockets::open(Some(&path(&name))).unwrap());
                Some(Self { name, sockets })
            }
            Err(error) if matches!(error.code().as_str(), "EPERM" | "EACCES") => {
                println!("SKIPPED: {error}");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Veth pairs `a0`-`a1` and `b0`-`b1`, both ends up, 10.0.0.1/24 and `fd00:a::1/64`
    /// on `a0`, 10.0.1.1/24 and `fd00:b::1/64` on `b0`.
    pub(crate) fn with_links() -> Option<Self> {
        let sandbox = Self::fresh()?;
        for (pair, v4, v6) in [
            ("a", "10.0.0.1/24", "fd00:a::1/64"),
            ("b", "10.0.1.1/24", "fd00:b::1/64"),
        ] {
            let near = format!("{pair}0");
            sandbox.apply(&json!([
                { "op": "link.add", "type": "veth", "name": near, "group": GROUP, "up": true,
                  "peer": { "name": format!("{pair}1"), "group": GROUP, "up": true } },
                { "op": "address.add", "dev": near, "address": v4, "proto": 78 },
                { "op": "address.add", "dev": near, "address": v6, "proto": 78, "noDad": true },
            ]));
        }
        Some(sandbox)
    }

    pub(crate) fn sockets(&self) -> &Sockets {
        self.sockets.as_ref().unwrap()
    }

    pub(crate) fn batch(&self, requests: &Value) -> Vec<Value> {
        let answer = self.sockets().batch(&requests.to_string()).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// Every request must succeed.
    pub(crate) fn apply(&self, requests: &Value) {
        for (outcome, request) in self
            .batch(requests)
            .iter()
            .zip(requests.as_array().unwrap())
        {
            assert_eq!(outcome["ok"], true, "{request}: {outcome}");
        }
    }

    /// Executes the request; `true`, with a word about it, when this kernel does not know such things, or this user may not.
    pub(crate) fn lacks(&self, request: &Value) -> bool {
        let outcome = self.batch(&json!([request])).remove(0);
        let device = outcome["message"].as_str().unwrap_or_default();
        if outcome["code"] == "EOPNOTSUPP" || device.starts_with("/dev/") {
            let (kind, options) = (&request["type"], &request["options"]);
            println!("SKIPPED: no {kind} with options {options} here: {device}");
            return true;
        }
        assert_eq!(outcome["ok"], true, "{request}: {outcome}");
        false
    }

    /// The one request must be refused; its outcome.
    pub(crate) fn refusal(&self, request: &Value) -> Value {
        let outcome = self.batch(&json!([request])).remove(0);
        assert_eq!(outcome["ok"], false, "{request}");
        outcome
    }

    /// One table of the namespace.
    pub(crate) fn dump(&self, table: &str) -> Vec<Value> {
        let dump = self.sockets().dump(&json!([table]).to_string()).unwrap();
        let dump: Value = serde_json::from_str(&dump).unwrap();
        dump[table].as_array().unwrap().clone()
    }

    pub(crate) fn link(&self, name: &str) -> Value {
        let links = self.dump("links");
        links.into_iter().find(|link| link["name"] == name).unwrap()
    }

    pub(crate) fn address(&self, address: &str) -> Value {
        let mut addresses = self.dump("addresses").into_iter();
        addresses
            .rfind(|found| found["address"] == address)
            .unwrap()
    }

    pub(crate) fn path(&self) -> String {
        path(&self.name)
    }

    pub(crate) fn index(&self, link: &str) -> u64 {
        self.link(link)["index"].as_u64().unwrap()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.sockets.take());
        netns::delete(&self.name).unwrap();
    }
}

fn path(name: &str) -> String {
    format!("/run/netns/{name}")
}
