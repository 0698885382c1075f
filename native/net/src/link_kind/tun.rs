//! Taps and tuns: links whose other end is a program. `crate::tun` makes them, since netlink does not.

use serde::{Deserialize, Serialize};

use crate::attribute::Attributes;

const IFLA_TUN_OWNER: u16 = 1;
const IFLA_TUN_GROUP: u16 = 2;
const IFLA_TUN_TYPE: u16 = 3;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Options {
    pub(crate) mode: Option<Mode>,
    /// Numbers of the user and group who may open it; left out is everybody who may make links.
    pub(crate) owner: Option<u32>,
    pub(crate) owner_group: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Ethernet frames.
    Tap,
    /// IP packets.
    Tun,
}

pub(super) fn parse(attributes: Attributes<'_>) -> Options {
    let mut options = Options::default();
    for found in attributes {
        match found.kind {
            IFLA_TUN_OWNER => options.owner = found.u32(),
            IFLA_TUN_GROUP => options.owner_group = found.u32(),
            IFLA_TUN_TYPE => {
                // IFF_TUN, IFF_TAP
                options.mode = match found.u8() {
                    Some(1) => Some(Mode::Tun),
                    Some(2) => Some(Mode::Tap),
                    _ => None,
                };
            }
            _ => {}
        }
    }
    options
}
