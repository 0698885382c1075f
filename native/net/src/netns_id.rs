//! Ids of namespaces, by which a monitor hears of them and says where something happened.

use std::{fs::File, os::fd::AsRawFd, path::Path};

use netlink_sys::protocols::NETLINK_ROUTE;
use nix::errno::Errno;

use crate::{
    attribute::{Attribute, attributes},
    error::{At, Failure, Result},
    netns, own,
    socket::Socket,
};

const OP: &str = "netns.id";
const RTM_NEWNSID: u16 = 88;
const RTM_GETNSID: u16 = 90;
const NETNSA_NSID: u16 = 1;
const NETNSA_FD: u16 = 3;
/// `struct rtgenmsg`, padded.
const HEADER: [u8; 4] = [0; 4];
/// As an answer: it has none. As a request: give it the lowest that is free.
const NONE: i32 = -1;

/// The id by which the namespace at `seen_from` (or this one) knows the namespace at `path`; it gets one when it has none, and keeps
/// it while both live. A monitor hears only of namespaces that have one.
pub fn id_of(path: &str, seen_from: Option<&str>) -> Result<i32> {
    let found = netns::inside(seen_from.map(Path::new), || {
        let namespace = File::open(path)?;
        let mut socket = Socket::open(NETLINK_ROUTE)?;
        let mut id = get(&mut socket, &namespace)?;
        if id == NONE {
            let free = body(&[(NETNSA_NSID, NONE), (NETNSA_FD, namespace.as_raw_fd())]);
            match socket.request(RTM_NEWNSID, 0, &free) {
                // Somebody else was faster; theirs is as good.
                Err(failure) if failure.errno == Errno::EEXIST => {}
                done => done?,
            }
            id = get(&mut socket, &namespace)?;
        }
        own::remember(own::here(), id, own::inode(Path::new(path)));
        Ok(id)
    });
    found.at(OP, path)
}

/// [`id_of`] for many paths, seen from this namespace: `None` for those that are not there.
pub fn ids_of(paths: &[String]) -> Vec<Option<i32>> {
    paths.iter().map(|path| id_of(path, None).ok()).collect()
}

fn get(socket: &mut Socket, namespace: &File) -> Result<i32, Failure> {
    let answer = socket.get(RTM_GETNSID, &body(&[(NETNSA_FD, namespace.as_raw_fd())]))?;
    attributes(&answer, HEADER.len())
        .find(|found| found.kind == NETNSA_NSID)
        .and_then(Attribute::i32)
        .ok_or_else(|| Failure::malformed("a namespace without an id"))
}

fn body(numbers: &[(u16, i32)]) -> Vec<u8> {
    let mut body = HEADER.to_vec();
    for (kind, number) in numbers {
        body.extend(8_u16.to_ne_bytes());
        body.extend(kind.to_ne_bytes());
        body.extend(number.to_ne_bytes());
    }
    body
}
