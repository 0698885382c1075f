//! Changes of addresses and ports.

use super::{
    Unsupported,
    datatype::{Datatype, IPV4, IPV6, SERVICE},
    field::{IP, IP6},
    json::{Mapping, Nat, Node, OneOrMany, Tagged},
    rule::Writer,
    set::{Data, Range},
    unsupported,
    wire::{Attribute, Lookup, SetName, Slot, be32, expression, immediate, lookup},
};

const NFT_NAT_SNAT: u32 = 0;
const NFT_NAT_DNAT: u32 = 1;
/// `NF_NAT_RANGE_*`
const PROTO_SPECIFIED: u32 = 2;
const PROTO_RANDOM: u32 = 4;
const PERSISTENT: u32 = 8;
const PROTO_RANDOM_FULLY: u32 = 16;

/// Registers with both ends of a range, or the first alone.
type Ends = (Slot, Option<Slot>);

impl Writer<'_> {
    pub(crate) fn masquerade(&mut self, nat: Option<&Nat>) -> Result<(), Unsupported> {
        self.local_nat("masq", nat, [1, 2, 3])
    }

    pub(crate) fn redirect(&mut self, nat: Option<&Nat>) -> Result<(), Unsupported> {
        self.local_nat("redir", nat, [3, 1, 2])
    }

    pub(crate) fn source_nat(&mut self, nat: &Nat) -> Result<(), Unsupported> {
        self.nat(NFT_NAT_SNAT, nat)
    }

    pub(crate) fn destination_nat(&mut self, nat: &Nat) -> Result<(), Unsupported> {
        self.nat(NFT_NAT_DNAT, nat)
    }

    /// To an address of this machine. `kinds` are the attributes for flags, first and last port.
    fn local_nat(
        &mut self,
        name: &str,
        nat: Option<&Nat>,
        [flags_kind, first, last]: [u16; 3],
    ) -> Result<(), Unsupported> {
        let mut parts = Vec::new();
        let mut flags = 0;
        if let Some(nat) = nat {
            if nat.addr.is_some() || nat.family.is_some() {
                return unsupported(format!("{name} with an address"));
            }
            flags = parse_flags(nat.flags.as_ref())?;
            if let Some(port) = &nat.port {
                let (from, to) = self.load_range(&SERVICE, port, Slot::FIRST, Slot::SECOND)?;
                parts.push(from.attribute(first));
                parts.extend(to.map(|to| to.attribute(last)));
                flags |= PROTO_SPECIFIED;
            }
        }
        if flags != 0 {
            parts.push(be32(flags_kind, flags));
        }
        parts.sort_by_key(netlink_packet_core::Nla::kind);
        self.push(expression(name, &parts));
        Ok(())
    }

    fn nat(&mut self, kind: u32, nat: &Nat) -> Result<(), Unsupported> {
        let mut flags = parse_flags(nat.flags.as_ref())?;
        let family = self.nat_family(nat)?;
        let address = if family == IP { &IPV4 } else { &IPV6 };
        let mut parts = vec![be32(1, kind), be32(2, u32::from(family))];
        match &nat.addr {
            Some(node) if mapping(node).is_some() => {
                if nat.port.is_some() {
                    return unsupported("a port beside a map of addresses");
                }
                parts.extend(self.load_mapped(address, node)?);
            }
            Some(node) => {
                let (from, to) = self.load_range(address, node, Slot::FIRST, Slot::SECOND)?;
                parts.push(from.attribute(3));
                parts.extend(to.map(|to| to.attribute(4)));
            }
            None => return unsupported("nat without an address"),
        }
        if let Some(port) = &nat.port {
            let of_one_address = parts.len() == 3;
            let (slot, next) = if of_one_address {
                (Slot::SECOND, Slot::THIRD)
            } else {
                (Slot::THIRD, Slot::FOURTH)
            };
            let (from, to) = self.load_range(&SERVICE, port, slot, next)?;
            parts.push(from.attribute(5));
            parts.extend(to.map(|to| to.attribute(6)));
            flags |= PROTO_SPECIFIED;
        }
        if flags != 0 {
            parts.push(be32(7, flags));
        }
        self.push(expression("nat", &parts));
        Ok(())
    }

    fn nat_family(&self, nat: &Nat) -> Result<u8, Unsupported> {
        match (nat.family.as_deref(), &nat.addr) {
            (Some("ip"), _) => Ok(IP),
            (Some("ip6"), _) => Ok(IP6),
            (Some(other), _) => unsupported(format!("nat of {other}")),
            (None, Some(Node::Text(text))) => Ok(if text.contains(':') { IP6 } else { IP }),
            (None, _) => self
                .family()
                .ok_or_else(|| Unsupported("nat without a family".into())),
        }
    }

    /// Loads what a map of the table has for a packet: an address, or an address and a port.
    fn load_mapped(
        &mut self,
        address: &'static Datatype,
        node: &Node,
    ) -> Result<Vec<Attribute>, Unsupported> {
        let Some(Mapping { key, data }) = mapping(node) else {
            return unsupported("a map");
        };
        let Node::Text(reference) = data else {
            return unsupported("a map of addresses without a name");
        };
        let (name, shape) = self.named(reference)?;
        let Data::Values(values) = &shape.data else {
            return unsupported(format!("addresses from the set {name}"));
        };
        let port = match values.as_slice() {
            [one] if *one == address => None,
            [one, two] if *one == address && *two == &SERVICE => Slot::FIRST.after(address.length),
            _ => return unsupported(format!("addresses from the map {name}")),
        };
        if self.load_key(key)? != shape.key {
            return unsupported(format!("a look into the map {name}, which has other types"));
        }
        self.push(lookup(&SetName { name, id: None }, &Lookup::Value));
        let address = Slot::FIRST.attribute(3);
        let port = port.map(|slot| slot.attribute(5));
        Ok(std::iter::once(address).chain(port).collect())
    }

    /// Loads a constant into `slot`, or a range into both.
    fn load_range(
        &mut self,
        datatype: &Datatype,
        node: &Node,
        slot: Slot,
        next: Slot,
    ) -> Result<Ends, Unsupported> {
        if let Node::Tagged(tagged) = node
            && matches!(**tagged, Tagged::Prefix(_))
        {
            return unsupported("nat from net to net");
        }
        let Range { from, to } = Range::parse(datatype, node, true)?;
        self.push(immediate(slot, &from));
        if from == to {
            return Ok((slot, None));
        }
        self.push(immediate(next, &to));
        Ok((slot, Some(next)))
    }
}

fn mapping(node: &Node) -> Option<&Mapping> {
    let Node::Tagged(tagged) = node else {
        return None;
    };
    match &**tagged {
        Tagged::Map(mapping) => Some(mapping),
        _ => None,
    }
}

fn parse_flags(flags: Option<&OneOrMany>) -> Result<u32, Unsupported> {
    let mut all = 0;
    for flag in flags.map_or(&[][..], OneOrMany::words) {
        all |= match flag.as_str() {
            "random" => PROTO_RANDOM,
            "fully-random" => PROTO_RANDOM_FULLY,
            "persistent" => PERSISTENT,
            other => return unsupported(format!("nat that is {other}")),
        };
    }
    Ok(all)
}
