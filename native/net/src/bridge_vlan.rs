//! VLANs of bridge ports and of bridges themselves, told by messages of `AF_BRIDGE`.

use libc::{RTM_DELLINK, RTM_GETLINK, RTM_NEWLINK, RTM_SETLINK};
use netlink_packet_route::{
    AddressFamily,
    link::{
        AfSpecBridge, BridgeFlag, BridgeVlanInfo, BridgeVlanInfoFlags, LinkAttribute,
        LinkExtentMask, LinkMessage,
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    attribute::{Attribute, attributes, read_u16, read_u32},
    error::{At, Error, Failure, Result},
    link::{self, HEADER},
    socket::{Socket, bytes},
};

const ADD: &str = "vlan.add";
const DEL: &str = "vlan.del";
const IFLA_BRIDGE_VLAN_INFO: u16 = 2;
/// 0 is no VLAN and 4095 is reserved (802.1Q).
const HIGHEST: u16 = 4094;

/// A VLAN that a port is a member of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Vlan {
    /// Index of the port, or of the bridge.
    pub(crate) index: u32,
    pub(crate) id: u16,
    /// Frames without a tag belong to it.
    pub(crate) pvid: bool,
    /// Frames leave without the tag.
    pub(crate) untagged: bool,
}

/// Membership of the port `name`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VlanAdd {
    pub(crate) name: String,
    pub(crate) id: u16,
    #[serde(default)]
    pub(crate) pvid: bool,
    #[serde(default)]
    pub(crate) untagged: bool,
    /// `name` is the bridge itself.
    #[serde(rename = "self", default)]
    pub(crate) itself: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VlanDel {
    pub(crate) name: String,
    pub(crate) id: u16,
    #[serde(rename = "self", default)]
    pub(crate) itself: bool,
}

/// Every membership in the socket's namespace. Bridges have VLANs also while they do not filter.
pub(crate) fn dump(socket: &mut Socket) -> Result<Vec<Vlan>, Failure> {
    let mut request = LinkMessage::default();
    request.header.interface_family = AddressFamily::Bridge;
    // Ranges, because a port of all VLANs would not fit into a message one by one.
    let mask = LinkExtentMask::BrvlanCompressed;
    request.attributes.push(LinkAttribute::ExtMask(vec![mask]));
    let vlans = socket.dump(RTM_GETLINK, &bytes(&request), |message| {
        (message.kind == RTM_NEWLINK)
            .then(|| parse(message.body))
            .flatten()
    })?;
    Ok(vlans.concat())
}

/// One `RTM_NEWLINK` body of `AF_BRIDGE`; `None` when it is none, or shorter than its header.
pub(crate) fn parse(body: &[u8]) -> Option<Vec<Vlan>> {
    if i32::from(*body.first()?) != libc::AF_BRIDGE {
        return None;
    }
    let index = read_u32(body, 4)?;
    let mut vlans = Vec::new();
    let mut first = None;
    let specs = attributes(body, HEADER).filter(|found| found.kind == libc::IFLA_AF_SPEC);
    for found in specs.flat_map(Attribute::nested) {
        if found.kind != IFLA_BRIDGE_VLAN_INFO {
            continue;
        }
        let flags = BridgeVlanInfoFlags::from_bits_retain(read_u16(found.value, 0)?);
        let last = read_u16(found.value, 2)?;
        if flags.contains(BridgeVlanInfoFlags::RangeBegin) {
            first = Some(last);
            continue;
        }
        let ids = first.take().unwrap_or(last)..=last.min(HIGHEST);
        vlans.extend(ids.map(|id| Vlan {
            index,
            id,
            pvid: flags.contains(BridgeVlanInfoFlags::Pvid),
            untagged: flags.contains(BridgeVlanInfoFlags::Untagged),
        }));
    }
    Some(vlans)
}

/// Makes the port a member, or changes the flags of its membership.
pub(crate) fn add(socket: &mut Socket, wanted: &VlanAdd) -> Result<()> {
    let mut flags = BridgeVlanInfoFlags::empty();
    flags.set(BridgeVlanInfoFlags::Pvid, wanted.pvid);
    flags.set(BridgeVlanInfoFlags::Untagged, wanted.untagged);
    let VlanAdd {
        name, id, itself, ..
    } = wanted;
    change(socket, (ADD, RTM_SETLINK), name, *itself, *id, flags)
}

/// Ends the membership; the kernel is content when there is none.
pub(crate) fn delete(socket: &mut Socket, wanted: &VlanDel) -> Result<()> {
    let VlanDel { name, id, itself } = wanted;
    let flags = BridgeVlanInfoFlags::empty();
    change(socket, (DEL, RTM_DELLINK), name, *itself, *id, flags)
}

fn change(
    socket: &mut Socket,
    (op, kind): (&'static str, u16),
    name: &str,
    itself: bool,
    id: u16,
    flags: BridgeVlanInfoFlags,
) -> Result<()> {
    let target = format!("VLAN {id} of {name}");
    if id == 0 || id > HIGHEST {
        let reason = format!("a VLAN is between 1 and {HIGHEST}");
        return Err(Error::invalid(op, target, reason));
    }
    let index = link::get(socket, name).at(op, &target)?.index;
    socket
        .request(kind, 0, &bytes(&describe(index, itself, id, flags)))
        .at(op, target)
}

fn describe(index: u32, itself: bool, id: u16, flags: BridgeVlanInfoFlags) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.interface_family = AddressFamily::Bridge;
    message.header.index = index;
    let mut spec = Vec::new();
    if itself {
        // BRIDGE_FLAGS_SELF: the device that is named, not the bridge that it is a port of.
        spec.push(AfSpecBridge::Flags(BridgeFlag::LowerDev));
    }
    spec.push(AfSpecBridge::VlanInfo(BridgeVlanInfo { flags, vid: id }));
    message.attributes = vec![LinkAttribute::AfSpecBridge(spec)];
    message
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::{
        AddressFamily,
        link::{
            AfSpecBridge, BridgeVlanInfo, BridgeVlanInfoFlags as Flags, LinkAttribute, LinkMessage,
        },
    };

    use super::{Vlan, describe, parse};
    use crate::socket::bytes;

    fn answer(vlans: &[(Flags, u16)]) -> Vec<u8> {
        let mut message = LinkMessage::default();
        message.header.interface_family = AddressFamily::Bridge;
        message.header.index = 4;
        let infos = vlans.iter().map(|(flags, vid)| {
            let (flags, vid) = (*flags, *vid);
            AfSpecBridge::VlanInfo(BridgeVlanInfo { flags, vid })
        });
        message.attributes = vec![
            LinkAttribute::IfName("p0".to_owned()),
            LinkAttribute::AfSpecBridge(infos.collect()),
        ];
        bytes(&message)
    }

    #[test]
    fn ranges_are_spelt_out() {
        let read = parse(&answer(&[
            (Flags::Pvid | Flags::Untagged, 1),
            (Flags::RangeBegin | Flags::Untagged, 10),
            (Flags::RangeEnd | Flags::Untagged, 12),
            (Flags::empty(), 20),
        ]));
        let vlan = |id, pvid, untagged| Vlan {
            index: 4,
            id,
            pvid,
            untagged,
        };
        let expected = [
            vlan(1, true, true),
            vlan(10, false, true),
            vlan(11, false, true),
            vlan(12, false, true),
            vlan(20, false, false),
        ];
        assert_eq!(read.unwrap(), expected);
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_empty() {
        let read = parse(&answer(&[
            (Flags::RangeBegin, 12),
            (Flags::RangeEnd, 10),
            (Flags::RangeBegin, 30),
        ]));
        assert_eq!(read.unwrap(), []);
    }

    #[test]
    fn numbers_on_the_wire_are_those_of_the_kernel_headers() {
        let sent = bytes(&describe(7, true, 258, Flags::Pvid));
        assert_eq!(i32::from(sent[0]), libc::AF_BRIDGE);
        let [low, high] = 258_u16.to_ne_bytes();
        // IFLA_AF_SPEC 26 with IFLA_BRIDGE_FLAGS 0 (self is 2) and IFLA_BRIDGE_VLAN_INFO 2 (pvid is 2)
        let expected = [
            20, 0, 26, 0, 6, 0, 0, 0, 2, 0, 0, 0, 8, 0, 2, 0, 2, 0, low, high,
        ];
        assert_eq!(sent[16..], expected);
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        let answer = answer(&[(Flags::RangeBegin, 1), (Flags::RangeEnd, 4094)]);
        crate::fuzz::mangle(&answer, |bytes| drop(parse(bytes)));
    }
}
