//! Static forwarding entries: in a vxlan's own table, and in a bridge's for one of its ports.

use std::net::IpAddr;

use libc::{RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH};
use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily,
    neighbour::{
        NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    attribute::{attributes, read_u16, read_u32},
    error::{At, Error, Failure, Result},
    link,
    link_add::parse_mac,
    neighbor::{HEADER, NDA_DST, NDA_LLADDR},
    prefix::parse_ip,
    socket::{Socket, bytes},
};

const ADD: &str = "fdb.add";
const DEL: &str = "fdb.del";
const NDA_VLAN: u16 = 5;
const NDA_PORT: u16 = 6;
const NDA_VNI: u16 = 7;
const NUD_NOARP: u16 = 0x40;
const NUD_PERMANENT: u16 = 0x80;
const NTF_EXT_LEARNED: u8 = 1 << 4;

/// One static entry, such as [`add`] makes them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Entry {
    /// Index of the vxlan or of the bridge port.
    pub(crate) index: u32,
    /// Whom frames are for; zeros stand for all who are not known.
    pub(crate) mac: String,
    /// Where a vxlan sends them; `None` in a bridge's table.
    pub(crate) remote: Option<IpAddr>,
    /// Where it differs from the link's own.
    pub(crate) vni: Option<u32>,
    /// UDP port, where it differs from the link's own.
    pub(crate) port: Option<u16>,
    /// VLAN of a bridge's entry.
    pub(crate) vlan: Option<u16>,
}

/// A static entry. With `remote` it belongs to the table of the vxlan `dev`, else to that of the bridge it is a port of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    pub(crate) dev: String,
    pub(crate) mac: String,
    pub(crate) remote: Option<String>,
    pub(crate) vni: Option<u32>,
    pub(crate) port: Option<u16>,
    pub(crate) vlan: Option<u16>,
}

/// Every static entry of the socket's namespace. What bridges learned, their own addresses and the address filters of NICs
/// are left out.
pub(crate) fn dump(socket: &mut Socket) -> Result<Vec<Entry>, Failure> {
    let mut request = NeighbourMessage::default();
    request.header.family = AddressFamily::Bridge;
    socket.dump(RTM_GETNEIGH, &bytes(&request), |message| {
        (message.kind == RTM_NEWNEIGH)
            .then(|| parse(message.body))
            .flatten()
    })
}

/// One `RTM_NEWNEIGH` body of `AF_BRIDGE`; `None` when it is not a static entry.
pub(crate) fn parse(body: &[u8]) -> Option<Entry> {
    if i32::from(*body.first()?) != libc::AF_BRIDGE || body.get(10)? & NTF_EXT_LEARNED != 0 {
        return None;
    }
    let mut entry = Entry {
        index: read_u32(body, 4)?,
        mac: String::new(),
        remote: None,
        vni: None,
        port: None,
        vlan: None,
    };
    for found in attributes(body, HEADER) {
        match found.kind {
            NDA_LLADDR => entry.mac = found.mac()?,
            NDA_DST => entry.remote = found.ip(),
            NDA_VNI => entry.vni = found.u32(),
            NDA_PORT => entry.port = found.u16_be(),
            NDA_VLAN => entry.vlan = found.u16(),
            _ => {}
        }
    }
    let state = read_u16(body, 8)?;
    // A bridge's static entries are "noarp", its permanent ones are its own addresses.
    let is_static = if entry.remote.is_some() {
        state & NUD_PERMANENT != 0
    } else {
        state == NUD_NOARP
    };
    (is_static && !entry.mac.is_empty()).then_some(entry)
}

/// Adds the entry or replaces that for the same MAC. The zero MAC may have several remotes; there it is added to them.
pub(crate) fn add(socket: &mut Socket, wanted: &Wanted) -> Result<()> {
    let message = describe(socket, ADD, wanted)?;
    let flags = NLM_F_CREATE
        | if may_have_several(&message) {
            NLM_F_APPEND
        } else {
            NLM_F_REPLACE
        };
    socket
        .request(RTM_NEWNEIGH, flags, &bytes(&message))
        .at(ADD, target(wanted))
}

/// Removes the entry; `ENOENT` when there is none.
pub(crate) fn delete(socket: &mut Socket, wanted: &Wanted) -> Result<()> {
    let message = describe(socket, DEL, wanted)?;
    socket
        .request(RTM_DELNEIGH, 0, &bytes(&message))
        .at(DEL, target(wanted))
}

/// The zero address and groups: a vxlan sends their frames to every remote.
fn may_have_several(message: &NeighbourMessage) -> bool {
    message.attributes.iter().any(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(mac) => {
            mac.iter().all(|octet| *octet == 0) || mac.first().is_some_and(|octet| octet & 1 == 1)
        }
        _ => false,
    }) && message.header.flags.contains(NeighbourFlags::Own)
}

fn target(wanted: &Wanted) -> String {
    match &wanted.remote {
        Some(remote) => format!("{} at {remote} on {}", wanted.mac, wanted.dev),
        None => format!("{} on {}", wanted.mac, wanted.dev),
    }
}

fn describe(socket: &mut Socket, op: &'static str, wanted: &Wanted) -> Result<NeighbourMessage> {
    let mut message = NeighbourMessage::default();
    let header = &mut message.header;
    header.family = AddressFamily::Bridge;
    header.ifindex = link::get(socket, &wanted.dev).at(op, target(wanted))?.index;
    let attributes = &mut message.attributes;
    let mac = parse_mac(op, &wanted.dev, &wanted.mac)?;
    attributes.push(NeighbourAttribute::LinkLayerAddress(mac));
    if let Some(remote) = &wanted.remote {
        header.flags = NeighbourFlags::Own;
        header.state = NeighbourState::Permanent;
        let remote = match parse_ip(op, remote)? {
            IpAddr::V4(address) => NeighbourAddress::Inet(address),
            IpAddr::V6(address) => NeighbourAddress::Inet6(address),
        };
        attributes.push(NeighbourAttribute::Destination(remote));
        if wanted.vlan.is_some() {
            let reason = "a vxlan's entry has no VLAN";
            return Err(Error::invalid(op, target(wanted), reason));
        }
    } else {
        header.flags = NeighbourFlags::Controller;
        header.state = NeighbourState::Noarp;
        if wanted.vni.is_some() || wanted.port.is_some() {
            let reason = "vni and port belong to a vxlan's entry, which has a remote";
            return Err(Error::invalid(op, target(wanted), reason));
        }
    }
    attributes.extend(wanted.vni.map(NeighbourAttribute::Vni));
    attributes.extend(wanted.port.map(NeighbourAttribute::Port));
    attributes.extend(wanted.vlan.map(NeighbourAttribute::Vlan));
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

    use super::parse;
    use crate::socket::bytes;

    fn answer(state: NeighbourState, flags: NeighbourFlags, remote: Option<&str>) -> Vec<u8> {
        let mut message = NeighbourMessage::default();
        message.header.family = AddressFamily::Bridge;
        message.header.ifindex = 4;
        message.header.state = state;
        message.header.flags = flags;
        let mac = vec![2, 0, 0, 0, 0, 9];
        message.attributes = vec![
            NeighbourAttribute::LinkLayerAddress(mac),
            NeighbourAttribute::Port(4790),
            NeighbourAttribute::Vni(7),
        ];
        message.attributes.extend(remote.map(|remote| {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(remote.parse().unwrap()))
        }));
        bytes(&message)
    }

    #[test]
    fn tells_static_entries_from_all_others() {
        let (none, own) = (NeighbourFlags::empty(), NeighbourFlags::Own);
        let vxlan = parse(&answer(NeighbourState::Permanent, own, Some("192.0.2.1"))).unwrap();
        assert_eq!((vxlan.index, vxlan.mac.as_str()), (4, "02:00:00:00:00:09"));
        assert_eq!(vxlan.remote, Some("192.0.2.1".parse().unwrap()));
        assert_eq!((vxlan.vni, vxlan.port), (Some(7), Some(4790)));
        assert!(parse(&answer(NeighbourState::Noarp, none, None)).is_some());
        for (state, flags, remote) in [
            (NeighbourState::Permanent, none, None),
            (NeighbourState::Permanent, own, None),
            (NeighbourState::Reachable, none, None),
            (NeighbourState::Reachable, own, Some("192.0.2.1")),
            (NeighbourState::Noarp, NeighbourFlags::ExtLearned, None),
        ] {
            assert_eq!(
                parse(&answer(state, flags, remote)),
                None,
                "{state:?} {flags:?}"
            );
        }
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        let answer = answer(
            NeighbourState::Permanent,
            NeighbourFlags::Own,
            Some("192.0.2.1"),
        );
        crate::fuzz::mangle(&answer, |bytes| drop(parse(bytes)));
    }
}
