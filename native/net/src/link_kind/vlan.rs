//! VLANs on a link.

use netlink_packet_route::link::{InfoVlan, VlanProtocol};
use serde::{Deserialize, Serialize};

use crate::attribute::Attributes;

const IFLA_VLAN_ID: u16 = 1;
const IFLA_VLAN_PROTOCOL: u16 = 5;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    id: Option<u16>,
    protocol: Option<Protocol>,
}

/// The tag's ethertype.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Protocol {
    #[serde(rename = "802.1Q")]
    Customer,
    #[serde(rename = "802.1ad")]
    Service,
}

impl Protocol {
    pub(crate) fn from_number(number: u16) -> Option<Self> {
        match number {
            0x8100 => Some(Self::Customer),
            0x88a8 => Some(Self::Service),
            _ => None,
        }
    }
}

impl From<Protocol> for VlanProtocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Customer => Self::Ieee8021Q,
            Protocol::Service => Self::Ieee8021Ad,
        }
    }
}

pub(super) fn describe(wanted: &Options) -> Vec<InfoVlan> {
    let mut attributes = Vec::new();
    attributes.extend(wanted.id.map(InfoVlan::Id));
    attributes.extend(wanted.protocol.map(|p| InfoVlan::Protocol(p.into())));
    attributes
}

pub(super) fn parse(attributes: Attributes<'_>) -> Options {
    let mut options = Options::default();
    for found in attributes {
        match found.kind {
            IFLA_VLAN_ID => options.id = found.u16(),
            IFLA_VLAN_PROTOCOL => {
                options.protocol = found.u16_be().and_then(Protocol::from_number);
            }
            _ => {}
        }
    }
    options
}
