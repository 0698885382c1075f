//! What is looked at in a packet: where it lies, its type, and what must be known of the packet before.

use super::{
    Unsupported,
    datatype::{
        CT_STATE, CT_STATUS, Datatype, FIB_TYPE, ICMP, ICMPV6, IFNAME, IPV4, IPV6, MARK, NFPROTO,
        PROTOCOL, SERVICE, TCP_FLAGS,
    },
    json::{Fib, Key, Node, Payload, Tagged},
    unsupported,
    wire::{Attribute, Slot, be32, expression},
};

/// `NFPROTO_IPV4`
pub(crate) const IP: u8 = 2;
/// `NFPROTO_IPV6`
pub(crate) const IP6: u8 = 10;
/// `IPPROTO_TCP`
pub(crate) const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP_PROTOCOL: u8 = 1;
const ICMPV6_PROTOCOL: u8 = 58;

/// `NFT_PAYLOAD_NETWORK_HEADER`
const NETWORK: u32 = 1;
/// `NFT_PAYLOAD_TRANSPORT_HEADER`
const TRANSPORT: u32 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// `enum nft_meta_keys`
    Meta(u32),
    /// `enum nft_ct_keys`
    Ct(u32),
    /// `NFTA_FIB_F_*`, for the type of the address
    Fib(u32),
    Payload {
        base: u32,
        offset: u32,
    },
}

/// Something that can be looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    source: Source,
    pub(crate) datatype: &'static Datatype,
    /// The packet must be of this family (`NFPROTO_*`).
    pub(crate) family: Option<u8>,
    /// And of this transport protocol.
    pub(crate) protocol: Option<u8>,
}

impl Field {
    pub(crate) const FAMILY: Self = Self::meta(15, &NFPROTO);
    pub(crate) const PROTOCOL: Self = Self::meta(16, &PROTOCOL);

    const fn of(source: Source, datatype: &'static Datatype) -> Self {
        Self {
            source,
            datatype,
            family: None,
            protocol: None,
        }
    }

    const fn meta(key: u32, datatype: &'static Datatype) -> Self {
        Self::of(Source::Meta(key), datatype)
    }

    pub(crate) fn parse(node: &Node) -> Result<Self, Unsupported> {
        let Node::Tagged(tagged) = node else {
            return unsupported(format!("a look at {node:?}"));
        };
        match &**tagged {
            Tagged::Meta(key) => meta(key),
            Tagged::Ct(key) => ct(key),
            Tagged::Fib(fib) => parse_fib(fib),
            Tagged::Payload(payload) => parse_payload(payload),
            other => unsupported(format!("a look at {other:?}")),
        }
    }

    /// A part of the packet itself, which can be loaded in part.
    pub(crate) fn is_payload(&self) -> bool {
        matches!(self.source, Source::Payload { .. })
    }

    /// That it has one certain value says which transport protocol the packet has.
    pub(crate) fn tells_protocol(&self) -> bool {
        self.datatype == &PROTOCOL
    }

    pub(crate) fn load(&self, slot: Slot) -> Attribute {
        self.load_part(slot, self.datatype.length)
    }

    /// Its first `length` bytes; all of it where it is no payload.
    pub(crate) fn load_part(&self, slot: Slot, length: usize) -> Attribute {
        let to = slot.attribute(1);
        match self.source {
            Source::Meta(key) => expression("meta", &[be32(2, key), to]),
            Source::Ct(key) => expression("ct", &[be32(2, key), to]),
            Source::Fib(flags) => {
                const NFT_FIB_RESULT_ADDRTYPE: u32 = 3;
                let result = be32(2, NFT_FIB_RESULT_ADDRTYPE);
                expression("fib", &[be32(3, flags), result, to])
            }
            Source::Payload { base, offset } => {
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                let place = [to, be32(2, base), be32(3, offset), be32(4, length)];
                expression("payload", &place)
            }
        }
    }

    /// Gives it the value in the first register.
    pub(crate) fn store(&self) -> Result<Attribute, Unsupported> {
        let from = Slot::FIRST;
        match self.source {
            Source::Meta(key) if self.datatype == &MARK => {
                Ok(expression("meta", &[be32(2, key), from.attribute(3)]))
            }
            Source::Ct(key) if self.datatype == &MARK => {
                Ok(expression("ct", &[be32(2, key), from.attribute(4)]))
            }
            _ => unsupported(format!("a change of {}", self.datatype.name)),
        }
    }
}

fn meta(Key { key }: &Key) -> Result<Field, Unsupported> {
    match key.as_str() {
        "mark" => Ok(Field::meta(3, &MARK)),
        "iifname" => Ok(Field::meta(6, &IFNAME)),
        "oifname" => Ok(Field::meta(7, &IFNAME)),
        "nfproto" => Ok(Field::FAMILY),
        "l4proto" => Ok(Field::PROTOCOL),
        other => unsupported(format!("meta {other}")),
    }
}

fn ct(Key { key }: &Key) -> Result<Field, Unsupported> {
    match key.as_str() {
        "state" => Ok(Field::of(Source::Ct(0), &CT_STATE)),
        "status" => Ok(Field::of(Source::Ct(2), &CT_STATUS)),
        "mark" => Ok(Field::of(Source::Ct(3), &MARK)),
        other => unsupported(format!("ct {other}")),
    }
}

fn parse_fib(fib: &Fib) -> Result<Field, Unsupported> {
    if fib.result != "type" {
        return unsupported(format!("fib {}", fib.result));
    }
    let mut flags = 0;
    for flag in fib.flags.words() {
        flags |= match flag.as_str() {
            "saddr" => 1,
            "daddr" => 2,
            "mark" => 4,
            "iif" => 8,
            "oif" => 16,
            other => return unsupported(format!("fib {other}")),
        };
    }
    Ok(Field::of(Source::Fib(flags), &FIB_TYPE))
}

fn parse_payload(Payload { protocol, field }: &Payload) -> Result<Field, Unsupported> {
    let ports = || match field.as_str() {
        "sport" => Some((0, &SERVICE)),
        "dport" => Some((2, &SERVICE)),
        _ => None,
    };
    // Base, family, transport protocol; offset and type.
    let (base, family, transport, place) = match protocol.as_str() {
        "ip" => {
            let place = match field.as_str() {
                "protocol" => Some((9, &PROTOCOL)),
                "saddr" => Some((12, &IPV4)),
                "daddr" => Some((16, &IPV4)),
                _ => None,
            };
            (NETWORK, Some(IP), None, place)
        }
        "ip6" => {
            let place = match field.as_str() {
                "nexthdr" => Some((6, &PROTOCOL)),
                "saddr" => Some((8, &IPV6)),
                "daddr" => Some((24, &IPV6)),
                _ => None,
            };
            (NETWORK, Some(IP6), None, place)
        }
        "tcp" if field == "flags" => (TRANSPORT, None, Some(TCP), Some((13, &TCP_FLAGS))),
        "tcp" => (TRANSPORT, None, Some(TCP), ports()),
        "udp" => (TRANSPORT, None, Some(UDP), ports()),
        "th" => (TRANSPORT, None, None, ports()),
        "icmp" if field == "type" => (TRANSPORT, Some(IP), Some(ICMP_PROTOCOL), Some((0, &ICMP))),
        "icmpv6" if field == "type" => (
            TRANSPORT,
            Some(IP6),
            Some(ICMPV6_PROTOCOL),
            Some((0, &ICMPV6)),
        ),
        _ => (TRANSPORT, None, None, None),
    };
    let Some((offset, datatype)) = place else {
        return unsupported(format!("{protocol} {field}"));
    };
    Ok(Field {
        family,
        protocol: transport,
        ..Field::of(Source::Payload { base, offset }, datatype)
    })
}
