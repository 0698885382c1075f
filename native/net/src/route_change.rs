//! Adding and deleting routes, marked by their protocol number.

use std::net::IpAddr;

use libc::{RTM_DELROUTE, RTM_NEWROUTE};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily,
    route::{
        RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteMetric, RouteScope, RouteType,
    },
};

use crate::{
    error::{At, Error, Result},
    link,
    nexthop::{self, gateway},
    prefix::{family, parse_ip, parse_prefix},
    request::{Route, RouteKind, Scope},
    socket::{Socket, bytes},
};

/// Adds the route or replaces the one with the same destination, table and metric.
pub(crate) fn add(socket: &mut Socket, wanted: &Route) -> Result<()> {
    const OP: &str = "route.add";
    let mut message = describe(socket, OP, wanted)?;
    message.attributes.extend(metrics(wanted));
    socket
        .request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &bytes(&message))
        .at(OP, target(wanted))
}

/// Removes the route that has all of the given keys, its protocol included; `ESRCH` when there is none. MTU and MSS are
/// no keys.
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
    let ways: Vec<&str> = match &wanted.dev {
        Some(dev) => vec![dev],
        None => wanted.hops.iter().map(|hop| hop.dev.as_str()).collect(),
    };
    if ways.is_empty() {
        return format!("{} ({:?})", wanted.to, wanted.r#type).to_lowercase();
    }
    format!("{} on {}", wanted.to, ways.join(", "))
}

fn refuse_contradictions(op: &'static str, wanted: &Route) -> Result<()> {
    let refuse = |reason: &str| Err(Error::invalid(op, target(wanted), reason));
    let leads = wanted.dev.is_some() || wanted.via.is_some() || !wanted.hops.is_empty();
    match (wanted.r#type, &wanted.dev, wanted.hops.as_slice()) {
        (RouteKind::Unicast, None, []) => refuse("a unicast route needs a dev, or hops"),
        (RouteKind::Unicast, Some(_), []) => Ok(()),
        (RouteKind::Unicast, None, _) if wanted.via.is_none() => Ok(()),
        (RouteKind::Unicast, ..) => refuse("hops stand instead of dev and via"),
        _ if leads => refuse("only a unicast route leads somewhere"),
        _ => Ok(()),
    }
}

fn describe(socket: &mut Socket, op: &'static str, wanted: &Route) -> Result<RouteMessage> {
    refuse_contradictions(op, wanted)?;
    let ip = |text: &Option<String>| text.as_deref().map(|text| parse_ip(op, text)).transpose();
    let (via, source) = (ip(&wanted.via)?, ip(&wanted.source)?);
    let to = match wanted.to.as_str() {
        "default" => None,
        prefix => Some(parse_prefix(op, prefix)?),
    };
    // The gateway of a hop tells the family of a default route as well as `via` does.
    let hop = wanted.hops.iter().find_map(|hop| hop.via.clone());
    let known = to.map(|(address, _)| address).or(source).or(via);
    let family = family_of(
        op,
        wanted,
        known.map_or_else(|| ip(&hop), |known| Ok(Some(known)))?,
    )?;
    let mut message = RouteMessage::default();
    let header = &mut message.header;
    header.address_family = family;
    header.protocol = wanted.protocol.into();
    header.kind = kind(wanted.r#type);
    header.scope = scope(wanted, via, family);
    if wanted.onlink {
        header.flags |= RouteFlags::Onlink;
    }
    let table = wanted.table.unwrap_or(RouteHeader::RT_TABLE_MAIN.into());
    // The header holds one byte; RTA_TABLE is what counts.
    header.table = u8::try_from(table).unwrap_or_default();
    let attributes = &mut message.attributes;
    attributes.push(RouteAttribute::Table(table));
    if let Some((address, length)) = to.filter(|(_, length)| *length > 0) {
        header.destination_prefix_length = length;
        attributes.push(RouteAttribute::Destination(address.into()));
    }
    attributes.extend(via.map(|via| gateway(via, family)));
    attributes.extend(source.map(|source| RouteAttribute::PrefSource(source.into())));
    attributes.extend(wanted.metric.map(RouteAttribute::Priority));
    if let Some(dev) = &wanted.dev {
        let index = link::get(socket, dev).at(op, target(wanted))?.index;
        attributes.push(RouteAttribute::Oif(index));
    }
    if !wanted.hops.is_empty() {
        let (target, onlink) = (target(wanted), wanted.onlink);
        let hops = nexthop::describe(socket, op, &target, &wanted.hops, family, onlink)?;
        attributes.push(RouteAttribute::MultiPath(hops));
    }
    Ok(message)
}

fn metrics(wanted: &Route) -> Option<RouteAttribute> {
    let metrics: Vec<RouteMetric> = wanted
        .mtu
        .map(RouteMetric::Mtu)
        .into_iter()
        .chain(wanted.advmss.map(RouteMetric::Advmss))
        .collect();
    (!metrics.is_empty()).then_some(RouteAttribute::Metrics(metrics))
}

fn kind(wanted: RouteKind) -> RouteType {
    match wanted {
        RouteKind::Unicast => RouteType::Unicast,
        RouteKind::Blackhole => RouteType::BlackHole,
        RouteKind::Unreachable => RouteType::Unreachable,
        RouteKind::Prohibit => RouteType::Prohibit,
    }
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
fn scope(wanted: &Route, via: Option<IpAddr>, family: AddressFamily) -> RouteScope {
    let ends_on_link = wanted.dev.is_some() && via.is_none() && family == AddressFamily::Inet;
    match wanted.scope {
        Some(Scope::Link) => RouteScope::Link,
        Some(Scope::Host) => RouteScope::Host,
        None if ends_on_link => RouteScope::Link,
        Some(Scope::Global) | None => RouteScope::Universe,
    }
}
