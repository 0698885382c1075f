//! Flags of bridge ports. They are ignored in the request that makes a link, and in `RTM_SETLINK`, so they follow in a
//! `RTM_NEWLINK` of their own.

use libc::RTM_NEWLINK;
use netlink_packet_route::link::{
    InfoBridgePort, InfoPortData, InfoPortKind, LinkAttribute, LinkInfo, LinkMessage,
};
use serde::{Deserialize, Serialize};

use crate::{
    attribute::Attributes,
    error::{At, Result},
    socket::{Socket, bytes},
};

/// Flags of a port. As observed, all are there; as asked for, those that are given change.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Flags {
    isolated: Option<bool>,
    hairpin: Option<bool>,
    learning: Option<bool>,
    flood: Option<bool>,
    multicast_flood: Option<bool>,
    broadcast_flood: Option<bool>,
    neigh_suppress: Option<bool>,
    guard: Option<bool>,
}

/// The port `name` of a bridge.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkPort {
    pub(crate) name: String,
    pub(crate) port: Flags,
}

/// Sets what is given and leaves the rest; refused for a link that is no port of a bridge.
pub(crate) fn set(socket: &mut Socket, wanted: &LinkPort) -> Result<()> {
    let mut message = LinkMessage::default();
    message.attributes = vec![
        LinkAttribute::IfName(wanted.name.clone()),
        LinkAttribute::LinkInfo(describe(&wanted.port)),
    ];
    socket
        .request(RTM_NEWLINK, 0, &bytes(&message))
        .at("link.port", &wanted.name)
}

fn describe(flags: &Flags) -> Vec<LinkInfo> {
    type Make = fn(bool) -> InfoBridgePort;
    let attributes: [(Option<bool>, Make); 8] = [
        (flags.isolated, InfoBridgePort::Isolated),
        (flags.hairpin, InfoBridgePort::HairpinMode),
        (flags.learning, InfoBridgePort::Learning),
        (flags.flood, InfoBridgePort::UnicastFlood),
        (flags.multicast_flood, InfoBridgePort::MulticastFlood),
        (flags.broadcast_flood, InfoBridgePort::BroadcastFlood),
        (flags.neigh_suppress, InfoBridgePort::NeighSupress),
        (flags.guard, InfoBridgePort::Guard),
    ];
    let given = attributes
        .into_iter()
        .filter_map(|(value, make)| value.map(make));
    vec![
        LinkInfo::PortKind(InfoPortKind::Bridge),
        LinkInfo::PortData(InfoPortData::BridgePort(given.collect())),
    ]
}

/// The flags in an `IFLA_INFO_SLAVE_DATA` of a bridge port (`IFLA_BRPORT_*`).
pub(crate) fn parse(attributes: Attributes<'_>) -> Flags {
    let mut flags = Flags::default();
    for found in attributes {
        let flag = match found.kind {
            4 => &mut flags.hairpin,
            5 => &mut flags.guard,
            8 => &mut flags.learning,
            9 => &mut flags.flood,
            27 => &mut flags.multicast_flood,
            30 => &mut flags.broadcast_flood,
            32 => &mut flags.neigh_suppress,
            33 => &mut flags.isolated,
            _ => continue,
        };
        *flag = found.u8().map(|on| on != 0);
    }
    flags
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::{LinkAttribute, LinkMessage};

    use super::{Flags, describe, parse};
    use crate::{attribute::attributes, socket::bytes};

    #[test]
    fn each_flag_keeps_its_number() {
        const IFLA_INFO_SLAVE_DATA: u16 = 5;
        for given in [
            r#"{"isolated":true}"#,
            r#"{"hairpin":true}"#,
            r#"{"learning":false}"#,
            r#"{"flood":false}"#,
            r#"{"multicastFlood":false}"#,
            r#"{"broadcastFlood":false}"#,
            r#"{"neighSuppress":true}"#,
            r#"{"guard":true}"#,
        ] {
            let flags: Flags = serde_json::from_str(given).unwrap();
            let mut message = LinkMessage::default();
            message.attributes = vec![LinkAttribute::LinkInfo(describe(&flags))];
            let message = bytes(&message);
            let info = attributes(&message, 16).next().unwrap();
            let data = info
                .nested()
                .find(|found| found.kind == IFLA_INFO_SLAVE_DATA);
            let data = data.unwrap();
            assert_eq!(data.nested().count(), 1);
            assert_eq!(parse(data.nested()), flags);
            crate::fuzz::mangle(data.value, |bytes| {
                let _ = parse(attributes(bytes, 0));
            });
        }
    }
}
