//! Neighbours: permanent entries and proxies, marked by their protocol number; and asking for one now.

use libc::{RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

use crate::{
    attribute::{array, attributes, read_u16, read_u32},
    error::{At, Error, Failure, Result},
    link,
    link_add::parse_mac,
    prefix::{family, family_number, parse_ip},
    socket::{Socket, bytes},
};

const ADD: &str = "neighbor.add";
const DEL: &str = "neighbor.del";
const RESOLVE: &str = "neighbor.resolve";
/// `struct ndmsg`
pub(crate) const HEADER: usize = 12;
pub(crate) const NDA_DST: u16 = 1;
pub(crate) const NDA_LLADDR: u16 = 2;
const NDA_PROTOCOL: u16 = 12;
const NTF_PROXY: u8 = 1 << 3;
const NTF_ROUTER: u8 = 1 << 7;

/// One neighbour of a namespace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Neighbor {
    /// Index of its link.
    pub(crate) index: u32,
    /// 4 or 6.
    pub(crate) family: u8,
    /// Its address.
    pub(crate) to: IpAddr,
    /// `None` while it is not known, and for proxies.
    pub(crate) mac: Option<String>,
    /// `NUD_*` in lower case; `none` for proxies.
    pub(crate) state: &'static str,
    /// We answer for it.
    pub(crate) proxy: bool,
    /// It says that it is a router (IPv6).
    pub(crate) router: bool,
    /// Who made it, 0 when nobody said.
    pub(crate) protocol: u8,
}

/// A permanent neighbour, or an address to answer for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NeighborAdd {
    pub(crate) dev: String,
    pub(crate) to: String,
    pub(crate) mac: Option<String>,
    #[serde(default)]
    pub(crate) proxy: bool,
    pub(crate) protocol: u8,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NeighborDel {
    pub(crate) dev: String,
    pub(crate) to: String,
    #[serde(default)]
    pub(crate) proxy: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NeighborResolve {
    pub(crate) dev: String,
    pub(crate) to: String,
    /// The MAC that it is known by: packets go there while it is asked.
    pub(crate) mac: Option<String>,
}

/// Every neighbour and every proxy of the socket's namespace, both families.
pub(crate) fn dump(socket: &mut Socket) -> Result<Vec<Neighbor>, Failure> {
    let mut neighbors = Vec::new();
    // The kernel keeps proxies in a table of their own.
    for flags in [NeighbourFlags::empty(), NeighbourFlags::Proxy] {
        let mut request = NeighbourMessage::default();
        request.header.flags = flags;
        neighbors.extend(socket.dump(RTM_GETNEIGH, &bytes(&request), |message| {
            (message.kind == RTM_NEWNEIGH)
                .then(|| parse(message.body))
                .flatten()
        })?);
    }
    Ok(neighbors)
}

/// One `RTM_NEWNEIGH` body; `None` when it is too short, not IP, or has no address.
pub(crate) fn parse(body: &[u8]) -> Option<Neighbor> {
    let [flags, _] = array::<2>(body, 10)?;
    let (mut to, mut mac, mut protocol) = (None, None, 0);
    for found in attributes(body, HEADER) {
        match found.kind {
            NDA_DST => to = found.ip(),
            NDA_LLADDR => mac = found.mac(),
            NDA_PROTOCOL => protocol = found.u8()?,
            _ => {}
        }
    }
    Some(Neighbor {
        index: read_u32(body, 4)?,
        family: family_number(*body.first()?)?,
        to: to?,
        mac,
        state: state_name(read_u16(body, 8)?),
        proxy: flags & NTF_PROXY != 0,
        router: flags & NTF_ROUTER != 0,
        protocol,
    })
}

/// `NUD_*`
fn state_name(number: u16) -> &'static str {
    match NeighbourState::from(number) {
        NeighbourState::Incomplete => "incomplete",
        NeighbourState::Reachable => "reachable",
        NeighbourState::Stale => "stale",
        NeighbourState::Delay => "delay",
        NeighbourState::Probe => "probe",
        NeighbourState::Failed => "failed",
        NeighbourState::Noarp => "noarp",
        NeighbourState::Permanent => "permanent",
        NeighbourState::None => "none",
        _ => "other",
    }
}

/// Adds the neighbour, or changes MAC and mark of the same address.
pub(crate) fn add(socket: &mut Socket, wanted: &NeighborAdd) -> Result<()> {
    let target = target(&wanted.to, &wanted.dev);
    let mut message = describe(socket, ADD, &wanted.dev, &wanted.to)?;
    match (&wanted.mac, wanted.proxy) {
        (Some(mac), false) => {
            let mac = parse_mac(ADD, &target, mac)?;
            let attributes = &mut message.attributes;
            attributes.push(NeighbourAttribute::LinkLayerAddress(mac));
            message.header.state = NeighbourState::Permanent;
        }
        (None, true) => message.header.flags = NeighbourFlags::Proxy,
        (None, false) => {
            let reason = "a permanent neighbour needs its MAC address";
            return Err(Error::invalid(ADD, target, reason));
        }
        (Some(_), true) => {
            let reason = "a proxy answers with the MAC address of its link, it has none of its own";
            return Err(Error::invalid(ADD, target, reason));
        }
    }
    let protocol = NeighbourAttribute::Protocol(wanted.protocol.into());
    message.attributes.push(protocol);
    socket
        .request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &bytes(&message))
        .at(ADD, target)
}

/// Removes the neighbour or the proxy; `ENOENT` when there is none.
pub(crate) fn delete(socket: &mut Socket, wanted: &NeighborDel) -> Result<()> {
    let mut message = describe(socket, DEL, &wanted.dev, &wanted.to)?;
    if wanted.proxy {
        message.header.flags = NeighbourFlags::Proxy;
    }
    socket
        .request(RTM_DELNEIGH, 0, &bytes(&message))
        .at(DEL, target(&wanted.to, &wanted.dev))
}

/// Lets the kernel ask for the neighbour now, as if a packet were sent to it. Its state tells what came of it.
pub(crate) fn resolve(socket: &mut Socket, wanted: &NeighborResolve) -> Result<()> {
    let target = target(&wanted.to, &wanted.dev);
    let mut message = describe(socket, RESOLVE, &wanted.dev, &wanted.to)?;
    let mut flags = NLM_F_CREATE;
    if let Some(mac) = &wanted.mac {
        let mac = parse_mac(RESOLVE, &target, mac)?;
        let attributes = &mut message.attributes;
        attributes.push(NeighbourAttribute::LinkLayerAddress(mac));
        message.header.state = NeighbourState::Probe;
        flags |= NLM_F_REPLACE;
    } else {
        message.header.flags = NeighbourFlags::Use;
    }
    socket
        .request(RTM_NEWNEIGH, flags, &bytes(&message))
        .at(RESOLVE, target)
}

fn target(to: &str, dev: &str) -> String {
    format!("{to} on {dev}")
}

fn describe(
    socket: &mut Socket,
    op: &'static str,
    dev: &str,
    to: &str,
) -> Result<NeighbourMessage> {
    let ip = parse_ip(op, to)?;
    let mut message = NeighbourMessage::default();
    message.header.family = family(ip);
    message.header.ifindex = link::get(socket, dev).at(op, target(to, dev))?.index;
    let to = match ip {
        IpAddr::V4(address) => NeighbourAddress::Inet(address),
        IpAddr::V6(address) => NeighbourAddress::Inet6(address),
    };
    message.attributes.push(NeighbourAttribute::Destination(to));
    Ok(message)
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::{
        AddressFamily,
        neighbour::{
            NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
        },
    };

    use super::{Neighbor, parse};
    use crate::socket::bytes;

    fn answer() -> Vec<u8> {
        let mut message = NeighbourMessage::default();
        message.header.family = AddressFamily::Inet6;
        message.header.ifindex = 4;
        message.header.state = NeighbourState::Permanent;
        message.header.flags = NeighbourFlags::Router;
        message.attributes = vec![
            NeighbourAttribute::Destination(NeighbourAddress::Inet6("fd00::2".parse().unwrap())),
            NeighbourAttribute::LinkLayerAddress(vec![2, 0, 0, 0, 0, 9]),
            NeighbourAttribute::Protocol(78.into()),
        ];
        bytes(&message)
    }

    #[test]
    fn reads_a_neighbour() {
        let expected = Neighbor {
            index: 4,
            family: 6,
            to: "fd00::2".parse().unwrap(),
            mac: Some("02:00:00:00:00:09".to_owned()),
            state: "permanent",
            proxy: false,
            router: true,
            protocol: 78,
        };
        assert_eq!(parse(&answer()), Some(expected));
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        crate::fuzz::mangle(&answer(), |bytes| drop(parse(bytes)));
    }
}
