//! Bonds. The kernel refuses a new mode while a bond has ports, and takes a port only while that is switched off.

mod value;

use netlink_packet_core::DefaultNla;
use netlink_packet_route::link::InfoBond;
use serde::{Deserialize, Serialize};

use crate::{attribute::Attributes, error::Result};
use value::{Mac, Targets4, Targets6, Value, words};

const IFLA_BOND_PRIMARY: u16 = 11;

words!(Mode: u8 { BalanceRr = "balance-rr", ActiveBackup = "active-backup", BalanceXor = "balance-xor",
    Broadcast = "broadcast", Lacp = "802.3ad", BalanceTlb = "balance-tlb", BalanceAlb = "balance-alb" });
words!(HashPolicy: u8 { Layer2 = "layer2", Layer34 = "layer3+4", Layer23 = "layer2+3", Encap23 = "encap2+3",
    Encap34 = "encap3+4", VlanSourceMac = "vlan+srcmac" });
words!(ArpValidate: u32 { None = "none", Active = "active", Backup = "backup", All = "all", Filter = "filter",
    FilterActive = "filter_active", FilterBackup = "filter_backup" });
words!(ArpAllTargets: u32 { Any = "any", All = "all" });
words!(Reselect: u8 { Always = "always", Better = "better", Failure = "failure" });
words!(FailOverMac: u8 { None = "none", Active = "active", Follow = "follow" });
words!(LacpRate: u8 { Slow = "slow", Fast = "fast" });
words!(Select: u8 { Stable = "stable", Bandwidth = "bandwidth", Count = "count" });

/// The options that are one attribute each: the field, its type, and the number of the attribute (`IFLA_BOND_*`).
macro_rules! options {
    ($($field:ident: $type:ty = $attribute:literal,)*) => {
        #[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub(crate) struct Options {
            $($field: Option<$type>,)*
            /// Name of the port that is used while it works.
            pub(super) primary: Option<String>,
            /// Observed: what `primary` is the name of.
            #[serde(skip)]
            pub(super) primary_index: Option<u32>,
        }

        pub(super) fn describe(
            wanted: &Options,
            index_of: impl FnOnce(&str) -> Result<u32>,
        ) -> Result<Vec<InfoBond>> {
            let primary = wanted.primary.as_deref().map(index_of).transpose()?;
            let mut attributes = Vec::new();
            $(attributes.extend(wanted.$field.as_ref().map(|value| raw($attribute, value)));)*
            attributes.extend(primary.map(|index| raw(IFLA_BOND_PRIMARY, &index)));
            Ok(attributes)
        }

        pub(super) fn parse(attributes: Attributes<'_>) -> Options {
            let mut options = Options::default();
            for found in attributes {
                match found.kind {
                    $($attribute => options.$field = Value::read(found),)*
                    IFLA_BOND_PRIMARY => options.primary_index = found.u32(),
                    _ => {}
                }
            }
            options
        }
    };
}

options! {
    mode: Mode = 1,
    // Times are milliseconds, but for `lp_interval`.
    miimon: u32 = 3,
    updelay: u32 = 4,
    downdelay: u32 = 5,
    use_carrier: bool = 6,
    arp_interval: u32 = 7,
    arp_ip_target: Targets4 = 8,
    arp_validate: ArpValidate = 9,
    arp_all_targets: ArpAllTargets = 10,
    primary_reselect: Reselect = 12,
    fail_over_mac: FailOverMac = 13,
    xmit_hash_policy: HashPolicy = 14,
    resend_igmp: u32 = 15,
    num_peer_notif: u8 = 16,
    all_slaves_active: bool = 17,
    min_links: u32 = 18,
    lp_interval: u32 = 19,
    packets_per_slave: u32 = 20,
    lacp_rate: LacpRate = 21,
    ad_select: Select = 22,
    ad_actor_sys_prio: u16 = 24,
    ad_user_port_key: u16 = 25,
    ad_actor_system: Mac = 26,
    tlb_dynamic_lb: bool = 27,
    peer_notif_delay: u32 = 28,
    lacp_active: bool = 29,
    missed_max: u8 = 30,
    ns_ip6_target: Targets6 = 31,
    coupled_control: bool = 32,
}

fn raw(attribute: u16, value: &impl Value) -> InfoBond {
    InfoBond::Other(DefaultNla::new(attribute, value.bytes()))
}
