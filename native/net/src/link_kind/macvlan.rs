//! Links with a MAC address of their own on a NIC; a macvtap is one that a program reads.

use netlink_packet_route::link::{InfoMacVlan, MacVlanMode};
use serde::{Deserialize, Serialize};

use crate::attribute::Attributes;

const IFLA_MACVLAN_MODE: u16 = 1;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    mode: Option<Mode>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Private,
    Vepa,
    Bridge,
    Passthru,
    /// Observed only.
    #[serde(skip_deserializing)]
    Source,
}

pub(super) fn describe(wanted: &Options) -> Vec<InfoMacVlan> {
    let mode = wanted.mode.map(|mode| match mode {
        Mode::Private => MacVlanMode::Private,
        Mode::Vepa => MacVlanMode::Vepa,
        Mode::Bridge => MacVlanMode::Bridge,
        Mode::Passthru => MacVlanMode::Passthrough,
        Mode::Source => MacVlanMode::Source,
    });
    mode.map(InfoMacVlan::Mode).into_iter().collect()
}

pub(super) fn parse(mut attributes: Attributes<'_>) -> Options {
    let mode = attributes
        .find(|found| found.kind == IFLA_MACVLAN_MODE)
        .and_then(|found| match MacVlanMode::from(found.u32()?) {
            MacVlanMode::Private => Some(Mode::Private),
            MacVlanMode::Vepa => Some(Mode::Vepa),
            MacVlanMode::Bridge => Some(Mode::Bridge),
            MacVlanMode::Passthrough => Some(Mode::Passthru),
            MacVlanMode::Source => Some(Mode::Source),
            _ => None,
        });
    Options { mode }
}
