//! VXLAN tunnels (RFC 7348).

use std::net::IpAddr;

use netlink_packet_route::link::InfoVxlan;
use serde::{Deserialize, Serialize};

use crate::{attribute::Attributes, error::Result, prefix::parse_ip};

const IFLA_VXLAN_ID: u16 = 1;
const IFLA_VXLAN_GROUP: u16 = 2;
const IFLA_VXLAN_LINK: u16 = 3;
const IFLA_VXLAN_LOCAL: u16 = 4;
const IFLA_VXLAN_TTL: u16 = 5;
const IFLA_VXLAN_LEARNING: u16 = 7;
const IFLA_VXLAN_PORT: u16 = 15;
const IFLA_VXLAN_GROUP6: u16 = 16;
const IFLA_VXLAN_LOCAL6: u16 = 17;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    vni: Option<u32>,
    local: Option<String>,
    /// Where frames go whose receiver is not known.
    group: Option<String>,
    /// UDP port; the kernel's own default is 8472.
    port: Option<u16>,
    learning: Option<bool>,
    ttl: Option<u8>,
    /// Observed: index of the link below.
    #[serde(skip)]
    pub(super) lower: Option<u32>,
}

pub(super) fn describe(op: &'static str, link: &str, wanted: &Options) -> Result<Vec<InfoVxlan>> {
    let address = |text: &Option<String>| {
        let ip = text.as_deref().map(|text| parse_ip(op, text)).transpose();
        ip.map_err(|error| crate::Error {
            target: link.to_owned(),
            reason: format!("{}: {}", error.target, error.reason),
            ..error
        })
    };
    let mut attributes = Vec::new();
    attributes.extend(wanted.vni.map(InfoVxlan::Id));
    attributes.extend(address(&wanted.local)?.map(|ip| match ip {
        IpAddr::V4(ip) => InfoVxlan::Local(ip),
        IpAddr::V6(ip) => InfoVxlan::Local6(ip),
    }));
    attributes.extend(address(&wanted.group)?.map(|ip| match ip {
        IpAddr::V4(ip) => InfoVxlan::Group(ip),
        IpAddr::V6(ip) => InfoVxlan::Group6(ip),
    }));
    attributes.extend(wanted.port.map(InfoVxlan::Port));
    attributes.extend(wanted.learning.map(InfoVxlan::Learning));
    attributes.extend(wanted.ttl.map(InfoVxlan::Ttl));
    Ok(attributes)
}

pub(super) fn parse(attributes: Attributes<'_>) -> Options {
    let mut options = Options::default();
    for found in attributes {
        match found.kind {
            IFLA_VXLAN_ID => options.vni = found.u32(),
            IFLA_VXLAN_LOCAL | IFLA_VXLAN_LOCAL6 => {
                options.local = found.ip().map(|ip| ip.to_string());
            }
            IFLA_VXLAN_GROUP | IFLA_VXLAN_GROUP6 => {
                options.group = found.ip().map(|ip| ip.to_string());
            }
            IFLA_VXLAN_LINK => options.lower = found.u32().filter(|index| *index != 0),
            IFLA_VXLAN_PORT => options.port = found.u16_be(),
            IFLA_VXLAN_LEARNING => options.learning = found.u8().map(|on| on != 0),
            IFLA_VXLAN_TTL => options.ttl = found.u8(),
            _ => {}
        }
    }
    options
}
