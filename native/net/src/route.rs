//! Observing routes.

use std::net::IpAddr;

use libc::{RTM_GETROUTE, RTM_NEWROUTE};
use netlink_packet_route::{AddressFamily, route::RouteMessage};
use serde::Serialize;

use crate::{
    attribute::{Attribute, array, attributes},
    error::Failure,
    prefix::{family_number, scope_name},
    socket::{Socket, bytes},
};

/// `struct rtmsg`
const HEADER: usize = 12;
const RTA_VIA: u16 = 18;

/// One route of a namespace, of any table. A multipath route has neither `index` nor `via`.
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
    };
    for found in attributes(body, HEADER) {
        match found.kind {
            libc::RTA_DST if length > 0 => route.to = format!("{}/{length}", found.ip()?),
            libc::RTA_GATEWAY => route.via = found.ip(),
            RTA_VIA => route.via = via(found),
            libc::RTA_OIF => route.index = found.u32(),
            libc::RTA_TABLE => route.table = found.u32()?,
            libc::RTA_PRIORITY => route.metric = found.u32(),
            libc::RTA_PREFSRC => route.source = found.ip(),
            _ => {}
        }
    }
    Some(route)
}

/// `struct rtvia`: a gateway of the other family, behind its family number.
fn via(found: Attribute<'_>) -> Option<IpAddr> {
    Attribute {
        value: found.value.get(2..)?,
        ..found
    }
    .ip()
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
