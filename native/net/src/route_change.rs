//! Adding and deleting routes, marked by their protocol number.

use std::net::IpAddr;

use libc::{RTM_DELROUTE, RTM_NEWROUTE};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily,
    route::{RouteAttribute, RouteHeader, RouteMessage, RouteScope, RouteType, RouteVia},
};

use crate::{
    error::{At, Error, Result},
    link,
    prefix::{family, parse_ip, parse_prefix},
    request::{Route, Scope},
    socket::{Socket, bytes},
};

/// Adds the route or replaces the one with the same destination, table and metric.
pub(crate) fn add(socket: &mut Socket, wanted: &Route) -> Result<()> {
    const OP: &str = "route.add";
    let message = describe(socket, OP, wanted)?;
    socket
        .request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &bytes(&message))
        .at(OP, target(wanted))
}

/// Removes the route that has all of the given keys, its protocol included; `ESRCH` when there is none.
pub(crate) fn delete(socket: &mut Socket, wanted: &Route) -> Result<()> {
    const OP: &str = "route.del";
    let mut message = describe(socket, OP, wanted)?;
    if wanted.scope.is_none() {
        // For a deletion this means any scope.
        message.header.scope = RouteScope::NoWhere;
    }
    socket
        .request(RTM_DELROUTE, 0, &bytes(&message))
        .at(OP, target(wanted))
}

fn target(wanted: &Route) -> String {
    format!("{} on {}", wanted.to, wanted.dev)
}

fn describe(socket: &mut Socket, op: &'static str, wanted: &Route) -> Result<RouteMessage> {
    let via = wanted
        .via
        .as_deref()
        .map(|text| parse_ip(op, text))
        .transpose()?;
    let source = wanted
        .source
        .as_deref()
        .map(|text| parse_ip(op, text))
        .transpose()?;
    let to = match wanted.to.as_str() {
        "default" => None,
        prefix => Some(parse_prefix(op, prefix)?),
    };
    let family = family_of(
        op,
        wanted,
        to.map(|(address, _)| address).or(source).or(via),
    )?;
    let mut message = RouteMessage::default();
    message.header.address_family = family;
    message.header.protocol = wanted.protocol.into();
    message.header.kind = RouteType::Unicast;
    message.header.scope = scope(wanted.scope, via, family);
    let table = wanted.table.unwrap_or(RouteHeader::RT_TABLE_MAIN.into());
    // The header holds one byte; RTA_TABLE is what counts.
    message.header.table = u8::try_from(table).unwrap_or_default();
    let attributes = &mut message.attributes;
    attributes.push(RouteAttribute::Table(table));
    if let Some((address, length)) = to.filter(|(_, length)| *length > 0) {
        message.header.destination_prefix_length = length;
        attributes.push(RouteAttribute::Destination(address.into()));
    }
    attributes.extend(via.map(|via| gateway(via, family)));
    attributes.extend(source.map(|source| RouteAttribute::PrefSource(source.into())));
    attributes.extend(wanted.metric.map(RouteAttribute::Priority));
    let index = link::get(socket, &wanted.dev).at(op, target(wanted))?.index;
    attributes.push(RouteAttribute::Oif(index));
    Ok(message)
}

fn family_of(op: &'static str, wanted: &Route, known: Option<IpAddr>) -> Result<AddressFamily> {
    match (wanted.family, known) {
        (Some(4) | None, None) => Ok(AddressFamily::Inet),
        (Some(6), None) => Ok(AddressFamily::Inet6),
        (Some(4), Some(address)) if address.is_ipv4() => Ok(AddressFamily::Inet),
        (Some(6), Some(address)) if address.is_ipv6() => Ok(AddressFamily::Inet6),
        (None, Some(address)) => Ok(family(address)),
        (Some(_), _) => Err(Error::invalid(
            op,
            target(wanted),
            "family does not fit the addresses",
        )),
    }
}

/// IPv4 wants to be told that a route without gateway ends on the link; IPv6 ignores scopes.
fn scope(wanted: Option<Scope>, via: Option<IpAddr>, family: AddressFamily) -> RouteScope {
    match wanted {
        Some(Scope::Link) => RouteScope::Link,
        Some(Scope::Host) => RouteScope::Host,
        None if via.is_none() && family == AddressFamily::Inet => RouteScope::Link,
        Some(Scope::Global) | None => RouteScope::Universe,
    }
}

fn gateway(via: IpAddr, family: AddressFamily) -> RouteAttribute {
    match via {
        IpAddr::V6(address) if family == AddressFamily::Inet => {
            RouteAttribute::Via(RouteVia::Inet6(address))
        }
        address => RouteAttribute::Gateway(address.into()),
    }
}
