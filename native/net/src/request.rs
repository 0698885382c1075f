//! The requests of a batch, as TypeScript sends them. Unknown keys are refused, so a typing error never becomes a
//! silently missing property.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    bridge_port::LinkPort,
    bridge_vlan::{VlanAdd, VlanDel},
    fdb,
    neighbor::{NeighborAdd, NeighborDel, NeighborResolve},
    rule::Rule,
};

/// One request, tagged by `op`.
#[derive(Debug, Deserialize)]
#[serde(tag = "op")]
pub(crate) enum Request {
    #[serde(rename = "link.add")]
    LinkAdd(Box<LinkAdd>),
    #[serde(rename = "link.set")]
    LinkSet(LinkSet),
    #[serde(rename = "link.del")]
    LinkDel(LinkDel),
    #[serde(rename = "link.rename")]
    LinkRename(LinkRename),
    #[serde(rename = "link.port")]
    LinkPort(LinkPort),
    #[serde(rename = "vlan.add")]
    VlanAdd(VlanAdd),
    #[serde(rename = "vlan.del")]
    VlanDel(VlanDel),
    #[serde(rename = "address.add")]
    AddressAdd(AddressAdd),
    #[serde(rename = "address.del")]
    AddressDel(AddressDel),
    #[serde(rename = "route.add")]
    RouteAdd(Route),
    #[serde(rename = "route.del")]
    RouteDel(Route),
    #[serde(rename = "rule.add")]
    RuleAdd(Rule),
    #[serde(rename = "rule.del")]
    RuleDel(Rule),
    #[serde(rename = "neighbor.add")]
    NeighborAdd(NeighborAdd),
    #[serde(rename = "neighbor.del")]
    NeighborDel(NeighborDel),
    #[serde(rename = "neighbor.resolve")]
    NeighborResolve(NeighborResolve),
    #[serde(rename = "fdb.add")]
    FdbAdd(fdb::Wanted),
    #[serde(rename = "fdb.del")]
    FdbDel(fdb::Wanted),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkRename {
    pub(crate) name: String,
    pub(crate) to: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LinkAdd {
    pub(crate) name: String,
    pub(crate) r#type: Kind,
    pub(crate) mac: Option<String>,
    pub(crate) mtu: Option<u32>,
    #[serde(default)]
    pub(crate) up: bool,
    pub(crate) master: Option<String>,
    pub(crate) group: u32,
    pub(crate) alias: Option<String>,
    /// What the kind has beside these, see `link_kind`.
    pub(crate) options: Option<Value>,
    /// The link that it sits on, of the socket's namespace.
    pub(crate) lower: Option<String>,
    pub(crate) netns_path: Option<String>,
    pub(crate) peer: Option<Peer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Bond,
    Bridge,
    Dummy,
    Ifb,
    Macvlan,
    Macvtap,
    Tun,
    Veth,
    Vlan,
    Vxlan,
    Wireguard,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) mac: Option<String>,
    pub(crate) mtu: Option<u32>,
    #[serde(default)]
    pub(crate) up: bool,
    pub(crate) group: u32,
    pub(crate) netns_path: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LinkSet {
    pub(crate) name: String,
    pub(crate) up: Option<bool>,
    pub(crate) mtu: Option<u32>,
    pub(crate) mac: Option<String>,
    #[serde(default)]
    pub(crate) master: Master,
    pub(crate) group: Option<u32>,
    pub(crate) alias: Option<String>,
    pub(crate) options: Option<OptionChange>,
}

/// Options that change on a link that stays. The kernel wants to be told of what kind it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OptionChange {
    pub(crate) r#type: Kind,
    pub(crate) set: Value,
}

/// In JSON: absent, `null`, or the name of a bridge.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Option<String>")]
pub(crate) enum Master {
    #[default]
    Unchanged,
    Release,
    Join(String),
}

impl From<Option<String>> for Master {
    fn from(name: Option<String>) -> Self {
        name.map_or(Self::Release, Self::Join)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkDel {
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AddressAdd {
    pub(crate) dev: String,
    /// With its prefix length.
    pub(crate) address: String,
    pub(crate) proto: u8,
    #[serde(default)]
    pub(crate) no_dad: bool,
    /// No route to its network comes with it.
    #[serde(default)]
    pub(crate) no_prefix_route: bool,
    /// Seconds; absent means for ever.
    pub(crate) valid_lifetime: Option<u32>,
    pub(crate) preferred_lifetime: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddressDel {
    pub(crate) dev: String,
    pub(crate) address: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    /// `default` or a prefix.
    pub(crate) to: String,
    #[serde(default)]
    pub(crate) r#type: RouteKind,
    pub(crate) via: Option<String>,
    /// Where a unicast route without `hops` leads; the others have none.
    pub(crate) dev: Option<String>,
    /// The ways of a multipath route, instead of `via` and `dev`.
    #[serde(default)]
    pub(crate) hops: Vec<Hop>,
    pub(crate) metric: Option<u32>,
    pub(crate) table: Option<u32>,
    pub(crate) protocol: u8,
    pub(crate) source: Option<String>,
    pub(crate) scope: Option<Scope>,
    /// 4 or 6; needed only for `default` without `via` and `source`, where 4 is assumed.
    pub(crate) family: Option<u8>,
    pub(crate) mtu: Option<u32>,
    pub(crate) advmss: Option<u32>,
    /// The gateway counts as reachable on the link, whatever the addresses say.
    #[serde(default)]
    pub(crate) onlink: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RouteKind {
    #[default]
    Unicast,
    Blackhole,
    Unreachable,
    Prohibit,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hop {
    pub(crate) dev: String,
    pub(crate) via: Option<String>,
    /// Share of the flows, 1 to 256; 1 when left out.
    pub(crate) weight: Option<u16>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    Global,
    Link,
    Host,
}
