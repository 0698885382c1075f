//! Observing routes.

use std::net::IpAddr;

use libc::{RTM_GETROUTE, RTM_NEWROUTE};
use netlink_packet_route::{AddressFamily, route::RouteMessage};
use serde::Serialize;

use crate::{
    attribute::{array, attributes, read_u32},
    error::Failure,
    nexthop::{self, NextHop, RTA_VIA, gateway_of},
    prefix::{family_number, scope_name},
    socket::{Socket, bytes},
};

/// `struct rtmsg`
const HEADER: usize = 12;
const RTAX_MTU: u16 = 2;
const RTAX_ADVMSS: u16 = 8;
const RTNH_F_ONLINK: u32 = 4;

/// One route of a namespace, of any table. A multipath route has `hops` instead of `index` and `via`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Route {
    /// 4 or 6.
    pub(crate) family: u8,
    /// `default` or a prefix.
    pub(crate) to: String,
    /// Gateway.
    pub(crate) via: Option<IpAddr>,
    /// Index of the outgoing link.
    pub(crate) index: Option<u32>,
    /// Table number (254 main, 255 local).
    pub(crate) table: u32,
    /// Who made it (`rtm_protocol`; 2 kernel, 9 router advertisement).
    pub(crate) protocol: u8,
    /// `RTA_PRIORITY`.
    pub(crate) metric: Option<u32>,
    /// `global`, `site`, `link`, `host` or `nowhere`.
    pub(crate) scope: &'static str,
    /// `unicast`, `local`, `broadcast`...
    pub(crate) r#type: &'static str,
    /// Preferred source address.
    pub(crate) source: Option<IpAddr>,
    /// Path MTU, when the route sets one.
    pub(crate) mtu: Option<u32>,
    /// Largest TCP segment to announce, when the route sets one.
    pub(crate) advmss: Option<u32>,
    /// The gateway counts as reachable on the link, whatever the addresses say.
    pub(crate) onlink: bool,
    /// The ways of a multipath route; empty otherwise.
    pub(crate) hops: Vec<NextHop>,
}

/// Every route of the socket's namespace, both families, all tables.
pub(crate) fn dump(socket: &mut Socket) -> Result<Vec<Route>, Failure> {
    let mut routes = Vec::new();
    // Asked for by family: a dump over all families also walks through multicast routing and MPLS.
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut request = RouteMessage::default();
        request.header.address_family = family;
        routes.extend(socket.dump(RTM_GETROUTE, &bytes(&request), |message| {
            (message.kind == RTM_NEWROUTE)
                .then(|| parse(message.body))
                .flatten()
        })?);
    }
    Ok(routes)
}

/// One `RTM_NEWROUTE` body; `None` when it is too short or not IP.
pub(crate) fn parse(body: &[u8]) -> Option<Route> {
    let [family, length, _, _, table, protocol, scope, kind] = array::<8>(body, 0)?;
    let mut route = Route {
        family: family_number(family)?,
        to: "default".to_owned(),
        via: None,
        index: None,
        table: u32::from(table),
        protocol,
        metric: None,
        scope: scope_name(scope),
        r#type: type_name(kind),
        source: None,
        mtu: None,
        advmss: None,
        onlink: read_u32(body, 8)? & RTNH_F_ONLINK != 0,
        hops: Vec::new(),
    };
    for found in attributes(body, HEADER) {
        match found.kind {
            libc::RTA_DST if length > 0 => route.to = format!("{}/{length}", found.ip()?),
            libc::RTA_GATEWAY | RTA_VIA => route.via = gateway_of(found),
            libc::RTA_MULTIPATH => route.hops = nexthop::parse(found.value),
            libc::RTA_METRICS => {
                for metric in found.nested() {
                    match metric.kind {
                        RTAX_MTU => route.mtu = metric.u32(),
                        RTAX_ADVMSS => route.advmss = metric.u32(),
                        _ => {}
                    }
                }
            }
            libc::RTA_OIF => route.index = found.u32(),
            libc::RTA_TABLE => route.table = found.u32()?,
            libc::RTA_PRIORITY => route.metric = found.u32(),
            libc::RTA_PREFSRC => route.source = found.ip(),
            _ => {}
        }
    }
    // IPv6 keeps the flag with each hop only.
    route.onlink |= !route.hops.is_empty() && route.hops.iter().all(|hop| hop.onlink);
    if matches!(route.r#type, "blackhole" | "unreachable" | "prohibit") {
        // IPv6 puts them on `lo`, IPv4 on nothing; they lead nowhere.
        route.index = None;
    }
    Some(route)
}

/// `RTN_*`
fn type_name(number: u8) -> &'static str {
    match number {
        libc::RTN_UNICAST => "unicast",
        libc::RTN_LOCAL => "local",
        libc::RTN_BROADCAST => "broadcast",
        libc::RTN_ANYCAST => "anycast",
        libc::RTN_MULTICAST => "multicast",
        libc::RTN_BLACKHOLE => "blackhole",
        libc::RTN_UNREACHABLE => "unreachable",
        libc::RTN_PROHIBIT => "prohibit",
        libc::RTN_THROW => "throw",
        libc::RTN_NAT => "nat",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::{
        AddressFamily,
        route::{RouteAttribute, RouteMessage, RouteVia},
    };

    use super::parse;
    use crate::socket::bytes;

    fn answer() -> Vec<u8> {
        let mut message = RouteMessage::default();
        message.header.address_family = AddressFamily::Inet;
        message.header.destination_prefix_length = 16;
        message.header.protocol = 78.into();
        message.attributes = vec![
            RouteAttribute::Table(1000),
            RouteAttribute::Destination(std::net::Ipv4Addr::new(10, 1, 0, 0).into()),
            RouteAttribute::Via(RouteVia::Inet6("fe80::1".parse().unwrap())),
            RouteAttribute::Oif(4),
        ];
        bytes(&message)
    }

    #[test]
    fn reads_a_gateway_of_the_other_family() {
        let route = parse(&answer()).unwrap();
        assert_eq!(
            (route.to.as_str(), route.table, route.protocol),
            ("10.1.0.0/16", 1000, 78)
        );
        assert_eq!(
            (route.via, route.index),
            (Some("fe80::1".parse().unwrap()), Some(4))
        );
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        crate::fuzz::mangle(&answer(), |bytes| drop(parse(bytes)));
    }
}
