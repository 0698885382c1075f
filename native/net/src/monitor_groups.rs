//! What a monitor can listen to: multicast groups by name, and the sockets that hear them.

use std::path::Path;

use netlink_sys::{
    Socket as RawSocket,
    protocols::{NETLINK_NETFILTER, NETLINK_ROUTE},
};
use nix::{
    errno::Errno,
    fcntl::OFlag,
    sched::{CloneFlags, setns},
    sys::stat::Mode,
};

use crate::{
    error::{Error, Failure, Result},
    monitor::OP,
    socket::grow_receive_buffer,
};

/// What can be heard, with its multicast groups (`RTNLGRP_*`), both families where there are two.
const ROUTE_GROUPS: [(&str, &[u32]); 7] = [
    ("link", &[1]),
    ("neighbour", &[3]),
    ("address", &[5, 9]),
    ("route", &[7, 11]),
    ("rule", &[8, 19]),
    ("nsid", &[28]),
    // `RTNLGRP_IPV6_IFINFO` and `RTNLGRP_ND_USEROPT`: what router advertisements say.
    ("router", &[12, 20]),
];
/// `NFNLGRP_NFTABLES`: one message more than its parts after every transaction.
const NFT_GROUPS: [(&str, &[u32]); 1] = [("nft", &[7])];

/// Multicast groups by protocol.
pub(crate) struct Groups {
    route: Vec<u32>,
    nft: Vec<u32>,
}

impl Groups {
    /// Everything that can be heard.
    pub(crate) fn all() -> Self {
        let numbers = |table: &[(&str, &[u32])]| {
            table
                .iter()
                .flat_map(|(_, of)| of.iter().copied())
                .collect()
        };
        Self {
            route: numbers(&ROUTE_GROUPS),
            nft: numbers(&NFT_GROUPS),
        }
    }

    /// The groups with these names; another name is refused.
    pub(crate) fn named(names: &[String]) -> Result<Self> {
        let known = ROUTE_GROUPS.iter().chain(&NFT_GROUPS);
        let known: Vec<_> = known.map(|(name, _)| *name).collect();
        if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
            let reason = format!("not one of {}", known.join(", "));
            return Err(Error::invalid(OP, unknown, reason));
        }
        let chosen = |table: &[(&str, &[u32])]| {
            let chosen = table
                .iter()
                .filter(|(name, _)| names.iter().any(|wanted| wanted == name));
            chosen
                .flat_map(|(_, groups)| groups.iter().copied())
                .collect()
        };
        Ok(Self {
            route: chosen(&ROUTE_GROUPS),
            nft: chosen(&NFT_GROUPS),
        })
    }
}

/// Opens the sockets that the groups need, in the namespace at `netns`, which the calling thread enters for ever.
pub(crate) fn subscribe(
    netns: Option<&Path>,
    groups: &Groups,
    receive_buffer: usize,
) -> Result<Vec<Ear>, Failure> {
    if let Some(path) = netns {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        setns(
            nix::fcntl::open(path, flags, Mode::empty())?,
            CloneFlags::CLONE_NEWNET,
        )?;
    }
    let mut sockets = Vec::new();
    if !groups.route.is_empty() {
        sockets.push(hear(NETLINK_ROUTE, &groups.route, receive_buffer)?);
    }
    if !groups.nft.is_empty() {
        // A kernel without nftables has no rules that could change.
        match hear(NETLINK_NETFILTER, &groups.nft, receive_buffer) {
            Ok(socket) => sockets.push(socket),
            Err(failure) if failure.errno == Errno::EPROTONOSUPPORT => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(sockets)
}

fn hear(protocol: isize, groups: &[u32], receive_buffer: usize) -> Result<Ear, Failure> {
    let mut socket = RawSocket::new(protocol)?;
    socket.bind_auto()?;
    socket.set_listen_all_namespaces(true)?;
    grow_receive_buffer(&socket, receive_buffer)?;
    for group in groups {
        socket.add_membership(*group)?;
    }
    Ok(Ear { protocol, socket })
}

/// A socket that hears multicast messages of its protocol.
pub(crate) struct Ear {
    pub(crate) protocol: isize,
    pub(crate) socket: RawSocket,
}
