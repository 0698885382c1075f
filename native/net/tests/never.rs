//! What this library never does: move a veth, enter a namespace on a thread of others, bring a runtime.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use netloom_net::{
    Sockets, block_on, link, netns_id,
    ns::{Netns, exec_netns},
    sysctl,
    veth::setup_veth,
};

/// Names and texts of the sources, without comments.
fn sources() -> Vec<(String, String)> {
    fn walk(directory: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                let code = text
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"));
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                found.push((name, code.collect::<Vec<_>>().join("\n")));
            }
        }
    }
    let mut found = Vec::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    assert!(found.len() > 20);
    found
}

/// The sources that contain `word`, in order.
fn with(word: &str) -> Vec<String> {
    let sources = sources().into_iter();
    let mut names: Vec<_> = sources
        .filter(|(_, code)| code.contains(word))
        .map(|(name, _)| name)
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn a_namespace_is_given_to_a_link_only_when_it_is_made() {
    for name in with("NetNsFd") {
        assert_eq!(name, "link_add.rs");
    }
    assert!(with("NetNsPid").is_empty());
    let (_, add) = sources()
        .into_iter()
        .find(|(name, _)| name == "link_add.rs")
        .unwrap();
    assert!(add.contains("NLM_F_CREATE | NLM_F_EXCL"));
    assert!(!add.contains("RTM_SETLINK"));
}

#[test]
fn namespaces_are_entered_in_few_places() {
    // Each of them on a thread of its own, or, in `ns.rs`, by the caller's own wish.
    let places = [
        "monitor_groups.rs",
        "netns.rs",
        "ns.rs",
        "session.rs",
        "sockets.rs",
    ];
    assert_eq!(with("setns("), places);
}

#[test]
fn no_runtime_is_among_the_dependencies() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap();
    for runtime in ["tokio", "async-std", "smol"] {
        assert!(
            !lock.contains(&format!("name = \"{runtime}\"")),
            "{runtime}"
        );
    }
}

#[test]
fn no_thread_that_lives_on_is_in_another_namespace() {
    let namespaces = || {
        let tasks = fs::read_dir("/proc/self/task").unwrap();
        let links = tasks.filter_map(|task| fs::read_link(task.ok()?.path().join("ns/net")).ok());
        links.collect::<std::collections::BTreeSet<_>>()
    };
    let before = namespaces();
    assert_eq!(before.len(), 1);
    let here = Netns::get().unwrap();
    let other = Netns::new_named("never-other").unwrap();
    let path = other.path().unwrap().to_str().unwrap().to_owned();
    let keys = ["net.ipv4.ip_forward".to_owned()];
    for _ in 0..100 {
        Sockets::open(Some(&path)).unwrap();
        Sockets::open_many(std::slice::from_ref(&path)).unwrap();
        sysctl::get(Some(&path), &keys).unwrap();
        sysctl::set_many(Some(&path), r#"[["net.ipv4.ip_forward","1"]]"#).unwrap();
        netns_id::id_of(&path, None).unwrap();
        block_on(exec_netns(&here, &other, async {
            link::link_by_name("lo")
        }))
        .unwrap();
    }
    block_on(setup_veth("", "", 1500, None, &here, &other)).unwrap();
    // A thread that was joined is still listed for a moment.
    let deadline = Instant::now() + Duration::from_secs(10);
    while namespaces() != before && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(namespaces(), before);
    Netns::delete_named("never-other").unwrap();
}
