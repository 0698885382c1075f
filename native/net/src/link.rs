//! Observing links: the kernel's `RTM_NEWLINK` answers as plain data.

use std::collections::HashMap;

use libc::{RTM_GETLINK, RTM_NEWLINK};
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use serde::Serialize;

pub use crate::link_helper::{
    LinkState, add_link, link_by_index, link_by_name, link_set_down, link_set_hairpin,
    link_set_mac_address, link_set_master, link_set_up,
};
use crate::{
    attribute::{Attribute, attributes, read_u16, read_u32, read_u64},
    bridge_port::{self, Flags},
    error::Failure,
    inet6::{IFLA_AF_SPEC, RouterFlags, router_flags},
    link_kind::{self, Options},
    socket::{Socket, bytes},
};

/// `struct ifinfomsg`
pub(crate) const HEADER: usize = 16;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_INFO_SLAVE_KIND: u16 = 4;
const IFLA_INFO_SLAVE_DATA: u16 = 5;
const IFLA_CARRIER_UP_COUNT: u16 = 47;
const IFLA_PERM_ADDRESS: u16 = 54;
const IFLA_MAX_MTU: u16 = 51;
const IFLA_PARENT_DEV_NAME: u16 = 56;
const IFLA_PARENT_DEV_BUS_NAME: u16 = 57;

/// One link of a namespace.
#[derive(Debug, Default, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Link {
    /// Interface index, unique in its namespace.
    pub(crate) index: u32,
    /// Interface name.
    pub(crate) name: String,
    /// `IFLA_INFO_KIND`; `None` for links without one (physical NICs, `lo`).
    pub(crate) kind: Option<String>,
    /// The link layer.
    pub(crate) r#type: LinkType,
    /// Current hardware address.
    pub(crate) mac: Option<String>,
    /// Hardware address the device was made with.
    pub(crate) permanent_mac: Option<String>,
    /// Largest packet in bytes, without the link-layer header.
    pub(crate) mtu: u32,
    /// The most that its driver takes; `None` where it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_mtu: Option<u32>,
    /// `IFF_UP`: switched on by the administrator.
    pub(crate) up: bool,
    /// The physical layer says that somebody is there.
    pub(crate) carrier: bool,
    /// How often it got carrier; `None` where the kernel does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) carrier_ups: Option<u32>,
    /// The last router advertisement that it heeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) router: Option<RouterFlags>,
    /// RFC 2863 state.
    pub(crate) operstate: &'static str,
    /// Index of the bridge or bond it belongs to.
    pub(crate) master: Option<u32>,
    /// Link group, 0 unless set.
    pub(crate) group: u32,
    /// Text for people.
    pub(crate) alias: Option<String>,
    /// `IFLA_LINK`: index of the other end of a veth, or of the link below.
    pub(crate) peer_index: Option<u32>,
    /// Namespace id where `peer_index` counts, when it is another one.
    pub(crate) peer_netns_id: Option<i32>,
    /// Bus address of the device (`0000:00:03.0`).
    pub(crate) parent_dev: Option<String>,
    /// Name of that bus (`pci`, `virtio`).
    pub(crate) parent_bus: Option<String>,
    /// What its kind has; `None` for kinds without options.
    pub(crate) options: Option<Options>,
    /// The link that it sits on.
    pub(crate) lower: Option<Lower>,
    /// Flags as a port of a bridge; `None` when it is none.
    pub(crate) port: Option<Flags>,
    /// Traffic counters.
    pub(crate) stats: Stats,
}

/// A link below another.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Lower {
    pub(crate) index: u32,
    /// Namespace id where the index counts, when it is another one.
    pub(crate) netns_id: Option<i32>,
}

/// Link layer by its `ARPHRD_*` number.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum LinkType {
    /// `ether`, `loopback` or `none`.
    Name(&'static str),
    /// Any other.
    Number(u16),
}

impl Default for LinkType {
    fn default() -> Self {
        Self::Number(0)
    }
}

/// Counters since the link was made.
#[derive(Debug, Default, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    /// Bytes received.
    pub(crate) rx_bytes: u64,
    /// Bytes sent.
    pub(crate) tx_bytes: u64,
    /// Packets received.
    pub(crate) rx_packets: u64,
    /// Packets sent.
    pub(crate) tx_packets: u64,
}

/// Every link of the socket's namespace.
pub(crate) fn dump(socket: &mut Socket) -> Result<Vec<Link>, Failure> {
    let mut links = socket.dump(RTM_GETLINK, &bytes(&LinkMessage::default()), |message| {
        (message.kind == RTM_NEWLINK)
            .then(|| parse(message.body))
            .flatten()
    })?;
    let names: HashMap<u32, String> = links
        .iter()
        .map(|link| (link.index, link.name.clone()))
        .collect();
    for options in links.iter_mut().filter_map(|link| link.options.as_mut()) {
        options.name_links(|index| names.get(&index).cloned());
    }
    Ok(links)
}

/// The link called `name`; `ENODEV` when there is none.
pub(crate) fn get(socket: &mut Socket, name: &str) -> Result<Link, Failure> {
    let mut request = LinkMessage::default();
    request
        .attributes
        .push(LinkAttribute::IfName(name.to_owned()));
    get_link(socket, &request)
}

/// The loopback link, which is number 1 in every namespace.
pub(crate) fn get_loopback(socket: &mut Socket) -> Result<Link, Failure> {
    get_index(socket, 1)
}

/// The link with that number; `ENODEV` when there is none.
pub(crate) fn get_index(socket: &mut Socket, index: u32) -> Result<Link, Failure> {
    let mut request = LinkMessage::default();
    request.header.index = index;
    get_link(socket, &request)
}

fn get_link(socket: &mut Socket, request: &LinkMessage) -> Result<Link, Failure> {
    let answer = socket.get(RTM_GETLINK, &bytes(request))?;
    parse(&answer).ok_or_else(|| Failure::malformed("a link shorter than its header"))
}

/// One `RTM_NEWLINK` body; `None` when it is shorter than its header.
pub(crate) fn parse(body: &[u8]) -> Option<Link> {
    let flags = read_u32(body, 8)?;
    let mut link = Link {
        index: read_u32(body, 4)?,
        r#type: link_type(read_u16(body, 2)?),
        up: flags & libc::IFF_UP.cast_unsigned() != 0,
        operstate: "unknown",
        ..Link::default()
    };
    for found in attributes(body, HEADER) {
        read_attribute(&mut link, found);
    }
    link.lower = match link.kind.as_deref() {
        Some("vlan" | "macvlan" | "macvtap") => link.peer_index,
        Some("vxlan") => link.options.as_ref().and_then(Options::lower),
        _ => None,
    }
    .map(|index| Lower {
        index,
        netns_id: link.peer_netns_id,
    });
    Some(link)
}

fn read_attribute(link: &mut Link, found: Attribute<'_>) {
    match found.kind {
        libc::IFLA_IFNAME => link.name = found.text(),
        libc::IFLA_ADDRESS => link.mac = found.mac(),
        IFLA_PERM_ADDRESS => link.permanent_mac = found.mac(),
        libc::IFLA_MTU => link.mtu = found.u32().unwrap_or_default(),
        IFLA_MAX_MTU => link.max_mtu = found.u32().filter(|most| *most != 0),
        libc::IFLA_CARRIER => link.carrier = found.u8() == Some(1),
        IFLA_CARRIER_UP_COUNT => link.carrier_ups = found.u32(),
        IFLA_AF_SPEC => link.router = router_flags(found),
        libc::IFLA_OPERSTATE => link.operstate = operstate(found.u8().unwrap_or_default()),
        libc::IFLA_MASTER => link.master = found.u32(),
        libc::IFLA_GROUP => link.group = found.u32().unwrap_or_default(),
        libc::IFLA_IFALIAS => link.alias = Some(found.text()),
        libc::IFLA_LINK => link.peer_index = found.u32(),
        libc::IFLA_LINK_NETNSID => link.peer_netns_id = found.i32(),
        IFLA_PARENT_DEV_NAME => link.parent_dev = Some(found.text()),
        IFLA_PARENT_DEV_BUS_NAME => link.parent_bus = Some(found.text()),
        libc::IFLA_STATS64 => link.stats = stats(found.value).unwrap_or_default(),
        libc::IFLA_LINKINFO => read_info(link, found),
        _ => {}
    }
}

fn read_info(link: &mut Link, info: Attribute<'_>) {
    let find = |kind| info.nested().find(|found| found.kind == kind);
    link.kind = find(IFLA_INFO_KIND).map(Attribute::text);
    if let (Some(kind), Some(data)) = (&link.kind, find(IFLA_INFO_DATA)) {
        link.options = link_kind::parse(kind, data);
    }
    if find(IFLA_INFO_SLAVE_KIND).is_some_and(|found| found.text() == "bridge") {
        link.port = find(IFLA_INFO_SLAVE_DATA).map(|data| bridge_port::parse(data.nested()));
    }
}

/// `struct rtnl_link_stats64`
fn stats(value: &[u8]) -> Option<Stats> {
    Some(Stats {
        rx_packets: read_u64(value, 0)?,
        tx_packets: read_u64(value, 8)?,
        rx_bytes: read_u64(value, 16)?,
        tx_bytes: read_u64(value, 24)?,
    })
}

fn link_type(number: u16) -> LinkType {
    match number {
        libc::ARPHRD_ETHER => LinkType::Name("ether"),
        libc::ARPHRD_LOOPBACK => LinkType::Name("loopback"),
        libc::ARPHRD_NONE => LinkType::Name("none"),
        other => LinkType::Number(other),
    }
}

/// `IF_OPER_*`
fn operstate(number: u8) -> &'static str {
    match number {
        1 => "notpresent",
        2 => "down",
        3 => "lowerlayerdown",
        4 => "testing",
        5 => "dormant",
        6 => "up",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage};

    use super::parse;
    use crate::socket::bytes;

    fn answer() -> Vec<u8> {
        let mut message = LinkMessage::default();
        message.header.index = 7;
        message.header.link_layer_type = 1.into();
        message.attributes = vec![
            LinkAttribute::IfName("br0".to_owned()),
            LinkAttribute::Address(vec![2, 0, 0, 0, 0, 1]),
            LinkAttribute::IfAlias("for people".to_owned()),
            LinkAttribute::LinkNetNsId(-1),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]),
        ];
        bytes(&message)
    }

    #[test]
    fn reads_a_link() {
        let link = parse(&answer()).unwrap();
        assert_eq!((link.index, link.name.as_str()), (7, "br0"));
        assert_eq!(link.mac.as_deref(), Some("02:00:00:00:00:01"));
        assert_eq!(link.kind.as_deref(), Some("bridge"));
        assert_eq!(
            (link.alias.as_deref(), link.peer_netns_id),
            (Some("for people"), Some(-1))
        );
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        crate::fuzz::mangle(&answer(), |bytes| drop(parse(bytes)));
    }
}
