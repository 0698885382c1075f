//! What a kind of link has beside name, MAC and MTU. One type per kind is both what is asked for and what is observed.

mod bond;
mod bridge;
mod macvlan;
pub(crate) mod tun;
mod vlan;
mod vxlan;

use netlink_packet_route::link::{InfoData, InfoKind, InfoVxlan, LinkAttribute, LinkInfo};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    attribute::Attribute,
    error::{Error, Result},
    request::Kind,
};

/// Options of a link, by its kind. As observed, all are there; as asked for, those that are given.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Options {
    Bond(bond::Options),
    Bridge(bridge::Options),
    Macvlan(macvlan::Options),
    Tun(tun::Options),
    Vlan(vlan::Options),
    Vxlan(vxlan::Options),
}

/// The options in an `IFLA_INFO_DATA` of this kind; `None` for kinds without any.
pub(crate) fn parse(kind: &str, data: Attribute<'_>) -> Option<Options> {
    let attributes = data.nested();
    Some(match kind {
        "bond" => Options::Bond(bond::parse(attributes)),
        "bridge" => Options::Bridge(bridge::parse(attributes)),
        "macvlan" | "macvtap" => Options::Macvlan(macvlan::parse(attributes)),
        "tun" => Options::Tun(tun::parse(attributes)),
        "vlan" => Options::Vlan(vlan::parse(attributes)),
        "vxlan" => Options::Vxlan(vxlan::parse(attributes)),
        _ => return None,
    })
}

/// Reads what is asked for. Keys that the kind does not have are refused.
pub(crate) fn read(
    op: &'static str,
    link: &str,
    kind: Kind,
    given: Option<&Value>,
) -> Result<Option<Options>> {
    fn of<T: DeserializeOwned>(op: &'static str, link: &str, given: &Value) -> Result<T> {
        serde_json::from_value(given.clone())
            .map_err(|error| Error::invalid(op, link, format!("options: {error}")))
    }
    let Some(given) = given else { return Ok(None) };
    Ok(Some(match kind {
        Kind::Bond => Options::Bond(of(op, link, given)?),
        Kind::Bridge => Options::Bridge(of(op, link, given)?),
        Kind::Macvlan | Kind::Macvtap => Options::Macvlan(of(op, link, given)?),
        Kind::Tun => Options::Tun(of(op, link, given)?),
        Kind::Vlan => Options::Vlan(of(op, link, given)?),
        Kind::Vxlan => Options::Vxlan(of(op, link, given)?),
        Kind::Dummy | Kind::Ifb | Kind::Veth | Kind::Wireguard => {
            let kind = format!("{kind:?}").to_lowercase();
            return Err(Error::invalid(op, link, format!("a {kind} has no options")));
        }
    }))
}

/// `IFLA_LINKINFO` for a link that sits on the link with index `lower`; `index_of` finds links that options name.
pub(crate) fn describe(
    op: &'static str,
    link: &str,
    kind: Kind,
    options: Option<&Options>,
    lower: Option<u32>,
    index_of: impl FnOnce(&str) -> Result<u32>,
) -> Result<LinkAttribute> {
    let mut info = vec![LinkInfo::Kind(info_kind(kind))];
    let mut data = match options {
        Some(Options::Bond(options)) => Some(InfoData::Bond(bond::describe(options, index_of)?)),
        Some(Options::Bridge(options)) => Some(InfoData::Bridge(bridge::describe(options))),
        // A macvtap has the attributes of a macvlan, under the same numbers.
        Some(Options::Macvlan(options)) => Some(InfoData::MacVlan(macvlan::describe(options))),
        Some(Options::Vlan(options)) => Some(InfoData::Vlan(vlan::describe(options))),
        Some(Options::Vxlan(options)) => Some(InfoData::Vxlan(vxlan::describe(op, link, options)?)),
        Some(Options::Tun(_)) => {
            let reason = "the options of a tun are set when it is made, and never again";
            return Err(Error::invalid(op, link, reason));
        }
        None => None,
    };
    if let (Kind::Vxlan, Some(lower), Some(InfoData::Vxlan(attributes))) =
        (kind, lower, data.as_mut())
    {
        attributes.push(InfoVxlan::Link(lower));
    }
    info.extend(data.map(LinkInfo::Data));
    Ok(LinkAttribute::LinkInfo(info))
}

fn info_kind(kind: Kind) -> InfoKind {
    match kind {
        Kind::Bond => InfoKind::Bond,
        Kind::Bridge => InfoKind::Bridge,
        Kind::Dummy => InfoKind::Dummy,
        Kind::Ifb => InfoKind::Ifb,
        Kind::Macvlan => InfoKind::MacVlan,
        Kind::Macvtap => InfoKind::MacVtap,
        Kind::Tun => InfoKind::Tun,
        Kind::Veth => InfoKind::Veth,
        Kind::Vlan => InfoKind::Vlan,
        Kind::Vxlan => InfoKind::Vxlan,
        Kind::Wireguard => InfoKind::Wireguard,
    }
}

impl Options {
    /// Index of the link that a vxlan sends through.
    pub(crate) fn lower(&self) -> Option<u32> {
        match self {
            Self::Vxlan(options) => options.lower,
            _ => None,
        }
    }

    /// Names the links that the kernel told by index.
    pub(crate) fn name_links(&mut self, name_of: impl FnOnce(u32) -> Option<String>) {
        if let Self::Bond(options) = self {
            options.primary = options.primary_index.and_then(name_of);
        }
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::{LinkAttribute, LinkInfo, LinkMessage};
    use serde_json::{Value, json};

    use super::{describe, parse, read};
    use crate::{
        attribute::{Attribute, attributes},
        error::Result,
        request::Kind,
        socket::bytes,
    };

    const IFLA_INFO_DATA: u16 = 2;

    /// The bytes of `IFLA_INFO_DATA` that are sent for these options.
    fn sent(kind: Kind, options: &Value) -> Result<Vec<u8>> {
        let options = read("t", "x", kind, Some(options))?;
        let info = describe("t", "x", kind, options.as_ref(), Some(7), |_| Ok(9))?;
        let LinkAttribute::LinkInfo(info) = info else {
            panic!("{info:?}");
        };
        assert!(matches!(info[..], [LinkInfo::Kind(_), LinkInfo::Data(_)]));
        let mut message = LinkMessage::default();
        message.attributes = vec![LinkAttribute::LinkInfo(info)];
        let message = bytes(&message);
        let info = attributes(&message, 16).next().unwrap();
        let data = info.nested().find(|found| found.kind == IFLA_INFO_DATA);
        Ok(data.unwrap().value.to_vec())
    }

    fn data(value: &[u8]) -> Attribute<'_> {
        Attribute {
            kind: IFLA_INFO_DATA,
            value,
        }
    }

    fn cases() -> Vec<(Kind, &'static str, Value)> {
        vec![
            (
                Kind::Bridge,
                "bridge",
                json!({ "stp": true, "forwardDelay": 4, "ageing": 600, "mcastSnooping": false,
                        "vlanFiltering": true, "vlanProtocol": "802.1ad", "defaultPvid": 0 }),
            ),
            (
                Kind::Vlan,
                "vlan",
                json!({ "id": 4094, "protocol": "802.1ad" }),
            ),
            (
                Kind::Vxlan,
                "vxlan",
                json!({ "vni": 16_777_215, "local": "10.0.0.1", "group": "239.1.1.1", "port": 4789,
                        "learning": false, "ttl": 5 }),
            ),
            (
                Kind::Vxlan,
                "vxlan",
                json!({ "vni": 1, "local": "fd00::1", "group": "ff05::100", "port": 8472,
                        "learning": true, "ttl": 1 }),
            ),
            (Kind::Macvlan, "macvlan", json!({ "mode": "private" })),
            (Kind::Macvtap, "macvtap", json!({ "mode": "passthru" })),
            (
                Kind::Bond,
                "bond",
                json!({ "mode": "802.3ad", "miimon": 100, "updelay": 200, "downdelay": 300,
                        "xmitHashPolicy": "layer3+4", "lacpRate": "fast", "minLinks": 1,
                        "adSelect": "count", "adActorSysPrio": 7, "adUserPortKey": 1023,
                        "adActorSystem": "52:54:00:12:34:56", "lacpActive": false, "useCarrier": true,
                        "coupledControl": true, "resendIgmp": 3, "numPeerNotif": 255,
                        "peerNotifDelay": 400, "allSlavesActive": true, "lpInterval": 2 }),
            ),
            (
                Kind::Bond,
                "bond",
                json!({ "mode": "balance-rr", "arpInterval": 100, "arpIpTarget": "10.0.0.1,10.0.0.2",
                        "nsIp6Target": "fd00::1,fd00::2", "arpValidate": "filter_backup",
                        "arpAllTargets": "all", "missedMax": 5, "packetsPerSlave": 0 }),
            ),
            (
                Kind::Bond,
                "bond",
                json!({ "mode": "balance-tlb", "tlbDynamicLb": false, "primaryReselect": "better",
                        "failOverMac": "follow" }),
            ),
        ]
    }

    #[test]
    fn what_is_sent_reads_back_for_every_kind() {
        for (kind, name, options) in cases() {
            let value = sent(kind, &options).unwrap();
            let mut read = serde_json::to_value(parse(name, data(&value)).unwrap()).unwrap();
            // A bond tells its primary always.
            read.as_object_mut()
                .unwrap()
                .retain(|_, value| !value.is_null());
            assert_eq!(read, options);
        }
    }

    #[test]
    fn numbers_on_the_wire_are_those_of_the_kernel_headers() {
        let vlan = sent(Kind::Vlan, &json!({ "id": 258, "protocol": "802.1Q" })).unwrap();
        // IFLA_VLAN_ID 1 in host order, IFLA_VLAN_PROTOCOL 5 in network order
        let [low, high] = 258_u16.to_ne_bytes();
        assert_eq!(
            vlan,
            [6, 0, 1, 0, low, high, 0, 0, 6, 0, 5, 0, 0x81, 0, 0, 0]
        );
        let bond = sent(
            Kind::Bond,
            &json!({ "mode": "active-backup", "primary": "eth0" }),
        )
        .unwrap();
        let read: Vec<_> = data(&bond)
            .nested()
            .map(|found| (found.kind, found.value.to_vec()))
            .collect();
        // IFLA_BOND_MODE 1, IFLA_BOND_PRIMARY 11 by index
        assert_eq!(read, [(1, vec![1]), (11, 9_u32.to_ne_bytes().to_vec())]);
        let targets = json!({ "arpIpTarget": "10.0.0.1,10.0.0.2", "arpValidate": "all" });
        let read = sent(Kind::Bond, &targets).unwrap();
        let mut read = data(&read).nested();
        // IFLA_BOND_ARP_IP_TARGET 8 numbers its addresses from 0; IFLA_BOND_ARP_VALIDATE 9 has four bytes
        let inner: Vec<_> = read
            .next()
            .unwrap()
            .nested()
            .map(|found| (found.kind, found.ip()))
            .collect();
        let ip = |text: &str| text.parse().ok();
        assert_eq!(inner, [(0, ip("10.0.0.1")), (1, ip("10.0.0.2"))]);
        let validate = read.next().unwrap();
        assert_eq!(
            (validate.kind, validate.u32(), validate.value.len()),
            (9, Some(3), 4)
        );
        let vxlan = sent(Kind::Vxlan, &json!({ "vni": 1, "port": 4789 })).unwrap();
        let port = data(&vxlan)
            .nested()
            .find(|found| found.kind == 15)
            .unwrap();
        assert_eq!(port.value, 4789_u16.to_be_bytes());
        let lower = data(&vxlan).nested().find(|found| found.kind == 3).unwrap();
        assert_eq!(lower.u32(), Some(7));
    }

    #[test]
    fn what_a_kind_does_not_have_is_refused() {
        for (kind, options) in [
            (Kind::Dummy, json!({})),
            (Kind::Vlan, json!({ "id": 1, "vni": 2 })),
            (Kind::Macvlan, json!({ "mode": "loud" })),
            (Kind::Vxlan, json!({ "vni": 1, "group": "somewhere" })),
            (Kind::Bond, json!({ "missedMax": 256 })),
            (Kind::Bond, json!({ "arpIpTarget": "10.0.0.1,fd00::1" })),
            (Kind::Bond, json!({ "adActorSystem": "52:54:00" })),
        ] {
            let refused = sent(kind, &options).unwrap_err();
            assert_eq!(refused.code(), "EINVAL", "{options}");
        }
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        for (kind, name, options) in cases() {
            let value = sent(kind, &options).unwrap();
            crate::fuzz::mangle(&value, |bytes| drop(parse(name, data(bytes))));
        }
    }
}
