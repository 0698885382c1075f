//! Seed 004 against the kernel: namespaces, veth pairs, links.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::{
    os::fd::OwnedFd,
    path::Path,
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
    task::Poll,
    thread,
    time::Duration,
};

use anyhow::bail;
use netloom_net::{
    Error, block_on, link,
    mac::MacAddr,
    ns::{Netns, exec_netns},
    veth::{Veth, setup_veth},
};

fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "s{}-{}",
        process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// Runs `work` inside `ns`.
fn within<T: Send>(
    ns: &Netns,
    work: impl FnOnce() -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    block_on(exec_netns(&Netns::get()?, ns, async { work() }))
}

fn pair(
    container: &str,
    host: &str,
    host_ns: &Netns,
    container_ns: &Netns,
) -> anyhow::Result<Veth> {
    block_on(setup_veth(
        container,
        host,
        1400,
        None,
        host_ns,
        container_ns,
    ))
}

fn errno<T: std::fmt::Debug>(done: anyhow::Result<T>) -> String {
    let error = done.unwrap_err();
    let ours = error.downcast_ref::<Error>().unwrap();
    let code = ours.code();
    let whole = format!("{} {}: {} ({code})", ours.op, ours.target, ours.reason);
    assert_eq!(
        error.to_string(),
        whole,
        "operation, object and errno are in the message"
    );
    code
}

#[test]
fn a_new_namespace_is_another_one_and_the_caller_stays() {
    let before = Netns::get().unwrap();
    let (one, two) = (Netns::new().unwrap(), Netns::new().unwrap());
    assert_ne!(one, two);
    assert_ne!(one, before);
    assert_eq!(Netns::get().unwrap(), before);
    assert!(within(&one, || link::link_by_name("lo")).unwrap().up);
    assert_eq!(one.try_clone().unwrap(), one);
    let fd: OwnedFd = std::fs::File::open("/proc/thread-self/ns/net")
        .unwrap()
        .into();
    assert_eq!(Netns::from(fd), before);
}

#[test]
fn a_named_namespace_is_seen_by_iproute2_until_it_is_deleted() {
    let name = unique();
    let listed = || {
        let list = Command::new("ip").args(["netns", "list"]).output().unwrap();
        let text = String::from_utf8(list.stdout).unwrap();
        text.lines()
            .any(|line| line.split_whitespace().next() == Some(&name))
    };
    let ns = Netns::new_named(&name).unwrap();
    let path = Path::new("/run/netns").join(&name);
    assert_eq!(ns.path(), Some(path.as_path()));
    assert_eq!(Netns::from_path(&path).unwrap(), ns);
    assert!(listed());
    assert_eq!(errno(Netns::new_named(&name)), "EEXIST");
    Netns::delete_named(&name).unwrap();
    assert!(!listed());
    assert_eq!(errno(Netns::delete_named(&name)), "ENOENT");
    // The value still holds it.
    within(&ns, || link::link_by_name("lo")).unwrap();
}

#[test]
fn what_is_no_namespace_is_refused() {
    assert_eq!(errno(Netns::from_path("/dev/null")), "EINVAL");
    assert_eq!(errno(Netns::from_path("/run/netns/none")), "ENOENT");
    assert_eq!(errno(Netns::new_named("../up")), "EINVAL");
}

#[test]
fn set_moves_this_thread_only() {
    let before = Netns::get().unwrap();
    let other = Netns::new().unwrap();
    thread::scope(|scope| {
        let moved = scope.spawn(|| {
            other.set()?;
            Netns::get()
        });
        assert_eq!(moved.join().unwrap().unwrap(), other);
    });
    assert_eq!(Netns::get().unwrap(), before);
}

#[test]
fn exec_hands_out_results_and_errors_of_any_kind() {
    let (current, target) = (Netns::get().unwrap(), Netns::new().unwrap());
    let borrowed = String::from("borrowed");
    let result = block_on(exec_netns(&current, &target, async {
        Ok((borrowed.as_str(), Netns::get()?))
    }));
    let (text, inside) = result.unwrap();
    assert_eq!((text, inside), ("borrowed", target.try_clone().unwrap()));
    let failed: anyhow::Result<()> = block_on(exec_netns(&current, &target, async {
        bail!("a reason of the caller")
    }));
    assert_eq!(failed.unwrap_err().to_string(), "a reason of the caller");
    let gone = block_on(exec_netns(&current, &target, async {
        link::link_by_name("none")
    }));
    assert_eq!(errno(gone), "ENODEV");
    assert_eq!(Netns::get().unwrap(), current);
}

#[test]
fn a_future_that_waits_for_another_thread_is_woken() {
    let (current, target) = (Netns::get().unwrap(), Netns::new().unwrap());
    let mut polls = 0;
    let waits = std::future::poll_fn(|context| {
        polls += 1;
        if polls == 3 {
            return Poll::Ready(Ok(polls));
        }
        let waker = context.waker().clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(1));
            waker.wake();
        });
        Poll::Pending
    });
    assert_eq!(block_on(exec_netns(&current, &target, waits)).unwrap(), 3);
}

#[test]
fn a_pair_is_born_in_both_namespaces_with_both_ends_up() {
    // Neither end is in the namespace of the caller.
    let (host, container) = (Netns::new().unwrap(), Netns::new().unwrap());
    let mac = MacAddr::new([0x00, 0x15, 0x5d, 0x1a, 0x1f, 0x1c]);
    let mut veth = block_on(setup_veth("veth0", "veth1", 1400, &mac, &host, &container)).unwrap();
    let inner = || within(&container, || link::link_by_name("veth0")).unwrap();
    let outer = || within(&host, || link::link_by_name("veth1")).unwrap();
    assert_eq!(
        (inner().mac, inner().mtu, inner().up),
        (Some(mac), 1400, true)
    );
    assert_eq!(
        (outer().mac, outer().mtu, outer().up),
        (veth.peer.mac, 1400, true)
    );
    let (one, two) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    veth.set_mac_address(&MacAddr::new(one)).unwrap();
    veth.set_peer_mac_address(&MacAddr::new(two)).unwrap();
    assert_eq!(inner().mac.unwrap().octets(), one);
    assert_eq!(outer().mac.unwrap().octets(), two);
    assert_eq!(veth.to_interfaces().last().unwrap().mac, inner().mac);
}

#[test]
fn names_are_random_when_none_is_given_and_refused_when_taken() {
    let (host, container) = (Netns::new().unwrap(), Netns::new().unwrap());
    let (one, two) = (
        pair("", "", &host, &container).unwrap(),
        pair("", "", &host, &container).unwrap(),
    );
    for name in [&one.interface.name, &one.peer.name, &two.peer.name] {
        let digits = name.strip_prefix("veth").unwrap();
        assert!(
            digits.len() == 8 && u32::from_str_radix(digits, 16).is_ok(),
            "{name}"
        );
    }
    assert_ne!(one.peer.name, two.peer.name);
    pair("eth0", "", &host, &container).unwrap();
    assert_eq!(errno(pair("eth0", "", &host, &container)), "EEXIST");
    assert_eq!(
        errno(pair("eth1", &one.peer.name, &host, &container)),
        "EEXIST"
    );
}

#[test]
fn links_are_made_switched_and_joined() {
    let ns = Netns::new().unwrap();
    // The value keeps the other end's namespace, and with it the pair.
    let _veth = pair("inner", "port", &ns, &Netns::new().unwrap()).unwrap();
    within(&ns, || {
        let bridge = link::add_link("br0", "bridge")?;
        assert_eq!(bridge.kind.as_deref(), Some("bridge"));
        link::link_set_up("br0")?;
        link::link_set_master("port", Some("br0"))?;
        assert_eq!(link::link_by_name("port")?.master, Some(bridge.index));
        link::link_set_hairpin("port", true)?;
        let hairpin = Command::new("ip")
            .args(["-d", "link", "show", "dev", "port"])
            .output()?;
        assert!(String::from_utf8(hairpin.stdout)?.contains("hairpin on"));
        link::link_set_mac_address("br0", &"02:00:00:00:00:09".parse()?)?;
        link::link_set_master("port", None)?;
        link::link_set_down("br0")?;
        let changed = link::link_by_index(bridge.index)?;
        assert!(!changed.up);
        assert_eq!(changed.mac.unwrap().to_string(), "02:00:00:00:00:09");
        assert_eq!(link::link_by_name("port")?.master, None);
        assert_eq!(errno(link::add_link("br0", "bridge")), "EEXIST");
        assert_eq!(errno(link::link_set_up("none")), "ENODEV");
        Ok(())
    })
    .unwrap();
}

#[test]
fn an_address_is_six_bytes_in_hexadecimal() {
    for bad in [
        "",
        "02:00:00:00:00",
        "02:00:00:00:00:0g",
        "2:0:0:0:0:0",
        "02:00:00:00:00:00:00",
    ] {
        assert_eq!(
            bad.parse::<MacAddr>().unwrap_err().code(),
            "EINVAL",
            "{bad}"
        );
    }
}
