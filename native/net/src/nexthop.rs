//! The hops of a multipath route, both ways.

use std::net::IpAddr;

use netlink_packet_route::{
    AddressFamily,
    route::{RouteAttribute, RouteNextHop, RouteNextHopFlags, RouteVia},
};
use serde::Serialize;

use crate::{
    attribute::{Attribute, attributes, read_u16, read_u32},
    error::{At, Error, Result},
    link,
    prefix::parse_ip,
    request::Hop,
    socket::Socket,
};

/// `struct rtnexthop`
const HEADER: usize = 8;
pub(crate) const RTA_VIA: u16 = 18;
const RTNH_F_ONLINK: u8 = 4;

/// One way of a multipath route.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct NextHop {
    /// Index of the outgoing link.
    pub(crate) index: u32,
    /// Gateway.
    pub(crate) via: Option<IpAddr>,
    /// Share of the flows, 1 to 256.
    pub(crate) weight: u16,
    /// The gateway counts as reachable; said of the whole route in requests.
    #[serde(skip)]
    pub(crate) onlink: bool,
}

/// The value of an `RTA_MULTIPATH`; ends at the first hop that does not fit.
pub(crate) fn parse(value: &[u8]) -> Vec<NextHop> {
    let mut rest = value;
    std::iter::from_fn(|| {
        let hop = rest.get(..usize::from(read_u16(rest, 0)?))?;
        let index = read_u32(hop, 4)?;
        let weight = u16::from(*hop.get(3)?) + 1;
        let onlink = hop.get(2)? & RTNH_F_ONLINK != 0;
        let via = attributes(hop, HEADER).find_map(gateway_of);
        rest = rest
            .get(hop.len().next_multiple_of(4)..)
            .unwrap_or_default();
        Some(NextHop {
            index,
            via,
            weight,
            onlink,
        })
    })
    .collect()
}

/// The gateway, when the attribute is one.
pub(crate) fn gateway_of(found: Attribute<'_>) -> Option<IpAddr> {
    match found.kind {
        libc::RTA_GATEWAY => found.ip(),
        // `struct rtvia`: a gateway of the other family, behind its family number.
        RTA_VIA => Attribute {
            value: found.value.get(2..)?,
            ..found
        }
        .ip(),
        _ => None,
    }
}

/// The attribute that names `via` in a route of `family`.
pub(crate) fn gateway(via: IpAddr, family: AddressFamily) -> RouteAttribute {
    match via {
        IpAddr::V6(address) if family == AddressFamily::Inet => {
            RouteAttribute::Via(RouteVia::Inet6(address))
        }
        address => RouteAttribute::Gateway(address.into()),
    }
}

/// The hops as the kernel wants them, with the links of the socket's namespace looked up.
pub(crate) fn describe(
    socket: &mut Socket,
    op: &'static str,
    target: &str,
    wanted: &[Hop],
    family: AddressFamily,
    onlink: bool,
) -> Result<Vec<RouteNextHop>> {
    let mut hops = Vec::new();
    for hop in wanted {
        let mut described = RouteNextHop::default();
        described.hops = match hop.weight.unwrap_or(1) {
            weight @ 1..=256 => u8::try_from(weight - 1).unwrap_or(u8::MAX),
            weight => {
                let reason = format!("weight {weight} of a hop is not between 1 and 256");
                return Err(Error::invalid(op, target, reason));
            }
        };
        if onlink {
            described.flags = RouteNextHopFlags::from_bits_retain(RTNH_F_ONLINK);
        }
        described.interface_index = link::get(socket, &hop.dev)
            .at(op, format!("{target} (hop on {})", hop.dev))?
            .index;
        if let Some(via) = &hop.via {
            let via = parse_ip(op, via)?;
            described.attributes.push(gateway(via, family));
        }
        hops.push(described);
    }
    Ok(hops)
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::{
        AddressFamily,
        route::{RouteAttribute, RouteMessage, RouteNextHop, RouteNextHopFlags},
    };

    use super::{NextHop, RTNH_F_ONLINK, gateway, parse};
    use crate::{
        attribute::{Attribute, attributes},
        socket::bytes,
    };

    fn value() -> Vec<u8> {
        let hop = |index, weight: u8, via: Option<&str>| {
            let mut hop = RouteNextHop::default();
            hop.interface_index = index;
            hop.hops = weight - 1;
            if index == 5 {
                hop.flags = RouteNextHopFlags::from_bits_retain(RTNH_F_ONLINK);
            }
            hop.attributes
                .extend(via.map(|via| gateway(via.parse().unwrap(), AddressFamily::Inet)));
            hop
        };
        let mut message = RouteMessage::default();
        message.attributes = vec![RouteAttribute::MultiPath(vec![
            hop(4, 3, Some("10.0.0.1")),
            hop(5, 1, Some("fe80::1")),
            hop(6, 255, None),
        ])];
        let message = bytes(&message);
        let Attribute { kind, value } = attributes(&message, 12).next().unwrap();
        assert_eq!(kind, libc::RTA_MULTIPATH);
        value.to_vec()
    }

    #[test]
    fn reads_hops_with_gateways_of_both_families_and_without() {
        let hop = |index, weight, via: Option<&str>| NextHop {
            index,
            weight,
            via: via.map(|via| via.parse().unwrap()),
            onlink: index == 5,
        };
        assert_eq!(
            parse(&value()),
            [
                hop(4, 3, Some("10.0.0.1")),
                hop(5, 1, Some("fe80::1")),
                hop(6, 255, None)
            ]
        );
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        crate::fuzz::mangle(&value(), |bytes| drop(parse(bytes)));
    }
}
