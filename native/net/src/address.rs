//! Addresses: observing, adding with the owner's mark (`IFA_PROTO`), deleting.

use std::net::{IpAddr, Ipv6Addr};

use libc::{RTM_DELADDR, RTM_GETADDR, RTM_NEWADDR, RTM_NEWROUTE};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily,
    address::{
        AddressAttribute, AddressFlags, AddressMessage, AddressProtocol, AddressScope, CacheInfo,
    },
    route::{RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteType},
};
use nix::errno::Errno;
use serde::Serialize;

use crate::{
    attribute::{attributes, read_u32},
    error::{At, Error, Failure, Result},
    link,
    prefix::{family, family_number, parse_prefix, scope_name},
    request::{AddressAdd, AddressDel},
    socket::{Socket, bytes},
};

const ADD: &str = "address.add";
const DEL: &str = "address.del";
/// `struct ifaddrmsg`
const HEADER: usize = 8;
const IFA_PROTO: u16 = 11;
const FOREVER: u32 = u32::MAX;
/// `IP6_RT_PRIO_ADDRCONF`
const PREFIX_ROUTE_METRIC: u32 = 256;

/// One address of a namespace.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Address {
    /// Index of its link.
    pub(crate) index: u32,
    /// With its prefix length.
    #[expect(
        clippy::struct_field_names,
        reason = "the word of the kernel and of TypeScript"
    )]
    pub(crate) address: String,
    /// 4 or 6.
    pub(crate) family: u8,
    /// Who made it (`IFA_PROTO`), 0 when nobody said.
    pub(crate) proto: u8,
    /// `global`, `site`, `link`, `host` or `nowhere`.
    pub(crate) scope: &'static str,
    /// `IFA_F_*` in lower case.
    pub(crate) flags: Vec<&'static str>,
    /// Seconds left; `None` is for ever.
    pub(crate) valid_lifetime: Option<u32>,
    /// Seconds until no new connection should use it; `None` is for ever.
    pub(crate) preferred_lifetime: Option<u32>,
}

/// Every address of the socket's namespace, both families.
pub(crate) fn dump(socket: &mut Socket) -> Result<Vec<Address>, Failure> {
    socket.dump(RTM_GETADDR, &bytes(&AddressMessage::default()), |message| {
        (message.kind == RTM_NEWADDR)
            .then(|| parse(message.body))
            .flatten()
    })
}

/// One `RTM_NEWADDR` body; `None` when it is too short or has no address.
pub(crate) fn parse(body: &[u8]) -> Option<Address> {
    let (family, length, scope) = (*body.first()?, *body.get(1)?, *body.get(3)?);
    let mut address = Address {
        index: read_u32(body, 4)?,
        address: String::new(),
        family: family_number(family)?,
        proto: 0,
        scope: scope_name(scope),
        flags: Vec::new(),
        valid_lifetime: None,
        preferred_lifetime: None,
    };
    let (mut local, mut remote) = (None, None);
    for found in attributes(body, HEADER) {
        match found.kind {
            libc::IFA_LOCAL => local = found.ip(),
            libc::IFA_ADDRESS => remote = found.ip(),
            libc::IFA_FLAGS => address.flags = flag_names(found.u32()?, address.family),
            IFA_PROTO => address.proto = found.u8()?,
            libc::IFA_CACHEINFO => {
                let seconds = |at| read_u32(found.value, at).filter(|left| *left != FOREVER);
                (address.preferred_lifetime, address.valid_lifetime) = (seconds(0), seconds(4));
            }
            _ => {}
        }
    }
    // On a point-to-point link IFA_ADDRESS is the far end.
    address.address = format!("{}/{length}", local.or(remote)?);
    Some(address)
}

fn flag_names(flags: u32, family: u8) -> Vec<&'static str> {
    let first = if family == 4 {
        "secondary"
    } else {
        "temporary"
    };
    let names = [
        first,
        "nodad",
        "optimistic",
        "dadfailed",
        "homeaddress",
        "deprecated",
        "tentative",
        "permanent",
        "managetempaddr",
        "noprefixroute",
        "autojoin",
        "stableprivacy",
    ];
    names
        .into_iter()
        .enumerate()
        .filter(|(bit, _)| flags >> bit & 1 == 1)
        .map(|(_, name)| name)
        .collect()
}

/// Adds the address, or changes mark and lifetimes of the same one.
pub(crate) fn add(socket: &mut Socket, wanted: &AddressAdd) -> Result<()> {
    let target = format!("{} on {}", wanted.address, wanted.dev);
    let mut message = describe(socket, ADD, &wanted.dev, &wanted.address)?;
    let mut flags = AddressFlags::empty();
    // IPv4 has no such detection, and the kernel would just remember the bit.
    let ipv6 = message.header.family == AddressFamily::Inet6;
    flags.set(AddressFlags::Nodad, wanted.no_dad && ipv6);
    flags.set(AddressFlags::Noprefixroute, wanted.no_prefix_route);
    if !flags.is_empty() {
        message.attributes.push(AddressAttribute::Flags(flags));
    }
    if wanted.valid_lifetime.is_some() || wanted.preferred_lifetime.is_some() {
        let valid = wanted.valid_lifetime.unwrap_or(FOREVER);
        let mut lifetimes = CacheInfo::default();
        lifetimes.ifa_valid = valid;
        lifetimes.ifa_preferred = wanted.preferred_lifetime.unwrap_or(valid);
        message
            .attributes
            .push(AddressAttribute::CacheInfo(lifetimes));
    }
    let proto = AddressProtocol::from(wanted.proto);
    message.attributes.push(AddressAttribute::Protocol(proto));
    socket
        .request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &bytes(&message))
        .at(ADD, &target)?;
    match wanted.valid_lifetime.filter(|seconds| *seconds != FOREVER) {
        Some(seconds) if ipv6 && !wanted.no_prefix_route => {
            prolong_prefix_route(socket, &message, seconds).at(ADD, target)
        }
        _ => Ok(()),
    }
}

/// Gives the route of an IPv6 address's network the lifetime of the address. The kernel takes a changed lifetime for a point in
/// time (`modify_prefix_route` of `net/ipv6/addrconf.c`), by which the route has ended long ago and the network is cut off;
/// asked for the route that is there, it sets the right one (`fib6_add_rt2node` of `net/ipv6/ip6_fib.c`) and answers EEXIST.
fn prolong_prefix_route(
    socket: &mut Socket,
    address: &AddressMessage,
    seconds: u32,
) -> Result<(), Failure> {
    let mut route = RouteMessage::default();
    let header = &mut route.header;
    header.address_family = AddressFamily::Inet6;
    header.destination_prefix_length = address.header.prefix_len;
    header.table = RouteHeader::RT_TABLE_MAIN;
    header.protocol = RouteProtocol::Kernel;
    header.kind = RouteType::Unicast;
    let network = address.attributes.iter().find_map(|found| match found {
        AddressAttribute::Local(IpAddr::V6(ip)) => Some(network(*ip, address.header.prefix_len)),
        _ => None,
    });
    route
        .attributes
        .extend(network.map(|network| RouteAttribute::Destination(network.into())));
    route
        .attributes
        .push(RouteAttribute::Oif(address.header.index));
    route
        .attributes
        .push(RouteAttribute::Priority(PREFIX_ROUTE_METRIC));
    route.attributes.push(RouteAttribute::Expires(seconds));
    match socket.request(RTM_NEWROUTE, NLM_F_CREATE, &bytes(&route)) {
        // While the link is down there is no such route.
        Err(failure) if matches!(failure.errno, Errno::EEXIST | Errno::ENETDOWN) => Ok(()),
        answer => answer,
    }
}

/// The network of an address.
fn network(address: Ipv6Addr, length: u8) -> Ipv6Addr {
    let mask = u128::MAX
        .checked_shl(128 - u32::from(length))
        .unwrap_or_default();
    Ipv6Addr::from(u128::from(address) & mask)
}

/// Removes the address; `EADDRNOTAVAIL` when it is not there.
pub(crate) fn delete(socket: &mut Socket, wanted: &AddressDel) -> Result<()> {
    let message = describe(socket, DEL, &wanted.dev, &wanted.address)?;
    let target = format!("{} on {}", wanted.address, wanted.dev);
    if message.header.family == AddressFamily::Inet6 {
        make_permanent(socket, &message).at(DEL, &target)?;
    }
    socket
        .request(RTM_DELADDR, 0, &bytes(&message))
        .at(DEL, target)
}

/// Takes the lifetime from an IPv6 address: with one that has an end, the kernel would leave the route of its network behind
/// (`ipv6_del_addr` of `net/ipv6/addrconf.c`).
fn make_permanent(socket: &mut Socket, message: &AddressMessage) -> Result<(), Failure> {
    let mut question = message.clone();
    // A length in the question is refused where questions are checked strictly.
    question.header.prefix_len = 0;
    let Ok(answer) = socket.get(RTM_GETADDR, &bytes(&question)) else {
        // It is gone, as its removal will tell.
        return Ok(());
    };
    if parse(&answer).is_none_or(|found| found.valid_lifetime.is_none()) {
        return Ok(());
    }
    let mut permanent = message.clone();
    let flags = AddressAttribute::Flags(AddressFlags::Nodad);
    permanent.attributes.push(flags);
    socket.request(RTM_NEWADDR, NLM_F_REPLACE, &bytes(&permanent))
}

fn describe(
    socket: &mut Socket,
    op: &'static str,
    dev: &str,
    address: &str,
) -> Result<AddressMessage, Error> {
    let (ip, length) = parse_prefix(op, address)?;
    let mut message = AddressMessage::default();
    message.header.index = link::get(socket, dev)
        .at(op, format!("{address} on {dev}"))?
        .index;
    message.header.family = family(ip);
    message.header.prefix_len = length;
    // The kernel computes the scope of IPv6 addresses itself and takes ours for IPv4.
    message.header.scope = if ip.is_loopback() {
        AddressScope::Host
    } else {
        AddressScope::Universe
    };
    message.attributes.push(AddressAttribute::Local(ip));
    message.attributes.push(AddressAttribute::Address(ip));
    Ok(message)
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::address::{AddressAttribute, AddressMessage, CacheInfo};

    use super::parse;
    use crate::socket::bytes;

    fn answer() -> Vec<u8> {
        let mut message = AddressMessage::default();
        message.header.family = netlink_packet_route::AddressFamily::Inet;
        message.header.prefix_len = 31;
        let mut lifetimes = CacheInfo::default();
        (lifetimes.ifa_preferred, lifetimes.ifa_valid) = (30, 60);
        message.attributes = vec![
            AddressAttribute::Address("10.0.0.1".parse().unwrap()),
            AddressAttribute::Local("10.0.0.0".parse().unwrap()),
            AddressAttribute::Protocol(78.into()),
            AddressAttribute::CacheInfo(lifetimes),
        ];
        bytes(&message)
    }

    #[test]
    fn our_end_of_a_point_to_point_link_is_the_address() {
        let address = parse(&answer()).unwrap();
        assert_eq!(
            (address.address.as_str(), address.proto),
            ("10.0.0.0/31", 78)
        );
        let lifetimes = (address.preferred_lifetime, address.valid_lifetime);
        assert_eq!(lifetimes, (Some(30), Some(60)));
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        crate::fuzz::mangle(&answer(), |bytes| drop(parse(bytes)));
    }
}
