//! Bridges.

use netlink_packet_route::link::{BridgeStpState, InfoBridge};
use serde::{Deserialize, Serialize};

use super::vlan::Protocol;
use crate::attribute::{Attribute, Attributes};

/// Bridge timers are given in `USER_HZ`, hundredths of a second on every architecture we run on.
const USER_HZ: u32 = 100;
const IFLA_BR_FORWARD_DELAY: u16 = 1;
const IFLA_BR_AGEING_TIME: u16 = 4;
const IFLA_BR_STP_STATE: u16 = 5;
const IFLA_BR_VLAN_FILTERING: u16 = 7;
const IFLA_BR_VLAN_PROTOCOL: u16 = 8;
const IFLA_BR_MCAST_SNOOPING: u16 = 23;
const IFLA_BR_VLAN_DEFAULT_PVID: u16 = 39;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Options {
    stp: Option<bool>,
    /// Seconds.
    forward_delay: Option<u32>,
    /// Seconds after which a learned address is forgotten.
    ageing: Option<u32>,
    mcast_snooping: Option<bool>,
    vlan_filtering: Option<bool>,
    vlan_protocol: Option<Protocol>,
    /// VLAN of untagged frames on a port that names none; 0 is none.
    default_pvid: Option<u16>,
}

pub(super) fn describe(wanted: &Options) -> Vec<InfoBridge> {
    let ticks = |seconds: u32| seconds.saturating_mul(USER_HZ);
    let stp = wanted.stp.map(|on| {
        if on {
            BridgeStpState::KernelStp
        } else {
            BridgeStpState::Disabled
        }
    });
    let delay = wanted.forward_delay.map(ticks);
    let protocol = wanted.vlan_protocol.map(Into::into);
    let mut attributes = Vec::new();
    attributes.extend(delay.map(InfoBridge::ForwardDelay));
    attributes.extend(wanted.ageing.map(ticks).map(InfoBridge::AgeingTime));
    attributes.extend(stp.map(InfoBridge::StpState));
    attributes.extend(wanted.mcast_snooping.map(InfoBridge::MulticastSnooping));
    attributes.extend(protocol.map(InfoBridge::VlanProtocol));
    attributes.extend(wanted.default_pvid.map(InfoBridge::VlanDefaultPvid));
    attributes.extend(wanted.vlan_filtering.map(InfoBridge::VlanFiltering));
    attributes
}

pub(super) fn parse(attributes: Attributes<'_>) -> Options {
    let seconds = |found: Attribute<'_>| found.u32().map(|ticks| ticks / USER_HZ);
    let flag = |found: Attribute<'_>| found.u8().map(|on| on != 0);
    let mut options = Options::default();
    for found in attributes {
        match found.kind {
            IFLA_BR_FORWARD_DELAY => options.forward_delay = seconds(found),
            IFLA_BR_AGEING_TIME => options.ageing = seconds(found),
            IFLA_BR_STP_STATE => options.stp = found.u32().map(|state| state != 0),
            IFLA_BR_VLAN_FILTERING => options.vlan_filtering = flag(found),
            IFLA_BR_VLAN_PROTOCOL => {
                options.vlan_protocol = found.u16_be().and_then(Protocol::from_number);
            }
            IFLA_BR_MCAST_SNOOPING => options.mcast_snooping = flag(found),
            IFLA_BR_VLAN_DEFAULT_PVID => options.default_pvid = found.u16(),
            _ => {}
        }
    }
    options
}
