//! Bonds. The kernel refuses a new mode while a bond has ports, and takes a port only while that is switched off.

use netlink_packet_route::link::{BondLacpRate, BondMode, BondXmitHashPolicy, InfoBond};
use serde::{Deserialize, Serialize};

use crate::{attribute::Attributes, error::Result};

const IFLA_BOND_MODE: u16 = 1;
const IFLA_BOND_MIIMON: u16 = 3;
const IFLA_BOND_UPDELAY: u16 = 4;
const IFLA_BOND_DOWNDELAY: u16 = 5;
const IFLA_BOND_PRIMARY: u16 = 11;
const IFLA_BOND_XMIT_HASH_POLICY: u16 = 14;
const IFLA_BOND_MIN_LINKS: u16 = 18;
const IFLA_BOND_AD_LACP_RATE: u16 = 21;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Options {
    mode: Option<Mode>,
    /// Milliseconds, as are the delays.
    miimon: Option<u32>,
    updelay: Option<u32>,
    downdelay: Option<u32>,
    xmit_hash_policy: Option<HashPolicy>,
    lacp_rate: Option<LacpRate>,
    /// Name of the port that is used while it works.
    pub(super) primary: Option<String>,
    min_links: Option<u32>,
    /// Observed: what `primary` is the name of.
    #[serde(skip)]
    pub(super) primary_index: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    BalanceRr,
    ActiveBackup,
    BalanceXor,
    Broadcast,
    #[serde(rename = "802.3ad")]
    Lacp,
    BalanceTlb,
    BalanceAlb,
}

const MODES: [Mode; 7] = [
    Mode::BalanceRr,
    Mode::ActiveBackup,
    Mode::BalanceXor,
    Mode::Broadcast,
    Mode::Lacp,
    Mode::BalanceTlb,
    Mode::BalanceAlb,
];

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum HashPolicy {
    #[serde(rename = "layer2")]
    Layer2,
    #[serde(rename = "layer3+4")]
    Layer34,
    #[serde(rename = "layer2+3")]
    Layer23,
    #[serde(rename = "encap2+3")]
    Encap23,
    #[serde(rename = "encap3+4")]
    Encap34,
    #[serde(rename = "vlan+srcmac")]
    VlanSourceMac,
}

/// In the order of their numbers.
const HASH_POLICIES: [HashPolicy; 6] = [
    HashPolicy::Layer2,
    HashPolicy::Layer34,
    HashPolicy::Layer23,
    HashPolicy::Encap23,
    HashPolicy::Encap34,
    HashPolicy::VlanSourceMac,
];

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LacpRate {
    Slow,
    Fast,
}

pub(super) fn describe(
    wanted: &Options,
    index_of: impl FnOnce(&str) -> Result<u32>,
) -> Result<Vec<InfoBond>> {
    let primary = wanted.primary.as_deref().map(index_of).transpose()?;
    let mut attributes = Vec::new();
    attributes.extend(
        wanted
            .mode
            .map(|mode| InfoBond::Mode(BondMode::from(mode as u8))),
    );
    attributes.extend(wanted.miimon.map(InfoBond::MiiMon));
    attributes.extend(wanted.updelay.map(InfoBond::UpDelay));
    attributes.extend(wanted.downdelay.map(InfoBond::DownDelay));
    attributes.extend(primary.map(InfoBond::Primary));
    let policy = wanted.xmit_hash_policy;
    attributes.extend(
        policy.map(|policy| InfoBond::XmitHashPolicy(BondXmitHashPolicy::from(policy as u8))),
    );
    attributes.extend(wanted.min_links.map(InfoBond::MinLinks));
    let rate = wanted.lacp_rate;
    attributes.extend(rate.map(|rate| InfoBond::AdLacpRate(BondLacpRate::from(rate as u8))));
    Ok(attributes)
}

pub(super) fn parse(attributes: Attributes<'_>) -> Options {
    let mut options = Options::default();
    for found in attributes {
        let number = || found.u8().map(usize::from);
        match found.kind {
            IFLA_BOND_MODE => options.mode = number().and_then(|n| MODES.get(n).copied()),
            IFLA_BOND_MIIMON => options.miimon = found.u32(),
            IFLA_BOND_UPDELAY => options.updelay = found.u32(),
            IFLA_BOND_DOWNDELAY => options.downdelay = found.u32(),
            IFLA_BOND_PRIMARY => options.primary_index = found.u32(),
            IFLA_BOND_XMIT_HASH_POLICY => {
                options.xmit_hash_policy = number().and_then(|n| HASH_POLICIES.get(n).copied());
            }
            IFLA_BOND_MIN_LINKS => options.min_links = found.u32(),
            IFLA_BOND_AD_LACP_RATE => {
                options.lacp_rate = match found.u8() {
                    Some(0) => Some(LacpRate::Slow),
                    Some(1) => Some(LacpRate::Fast),
                    _ => None,
                };
            }
            _ => {}
        }
    }
    options
}
