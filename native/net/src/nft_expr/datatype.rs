//! Types of values, with the numbers and words that `nft` has for them (its src/datatype.c and include/datatype.h).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{
    Unsupported,
    json::{Node, Tagged},
    unsupported,
};

/// Length of an interface name with its NUL.
pub(crate) const IFNAMSIZ: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In the byte order of this machine.
    Host,
    /// In network byte order.
    Network,
    Ipv4,
    Ipv6,
    Name,
}

/// A type of values.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Datatype {
    /// In the definition of a set.
    pub(crate) name: &'static str,
    /// By which `nft` knows the type of a set again.
    pub(crate) id: u32,
    /// In bytes.
    pub(crate) length: usize,
    form: Form,
    /// A value is a set of bits.
    pub(crate) bits: bool,
    words: &'static [(&'static str, u32)],
}

const fn number(
    name: &'static str,
    id: u32,
    length: usize,
    form: Form,
    words: &'static [(&'static str, u32)],
) -> Datatype {
    Datatype {
        name,
        id,
        length,
        form,
        bits: false,
        words,
    }
}

const fn bits(
    name: &'static str,
    id: u32,
    length: usize,
    form: Form,
    words: &'static [(&'static str, u32)],
) -> Datatype {
    Datatype {
        bits: true,
        ..number(name, id, length, form, words)
    }
}

pub(crate) static NFPROTO: Datatype = number(
    "nf_proto",
    2,
    1,
    Form::Network,
    &[("ipv4", 2), ("ipv6", 10)],
);
pub(crate) static IPV4: Datatype = number("ipv4_addr", 7, 4, Form::Ipv4, &[]);
pub(crate) static IPV6: Datatype = number("ipv6_addr", 8, 16, Form::Ipv6, &[]);
pub(crate) static PROTOCOL: Datatype = number(
    "inet_proto",
    12,
    1,
    Form::Network,
    &[
        ("icmp", 1),
        ("igmp", 2),
        ("tcp", 6),
        ("udp", 17),
        ("gre", 47),
        ("esp", 50),
        ("ah", 51),
        ("icmpv6", 58),
        ("ipv6-icmp", 58),
        ("sctp", 132),
    ],
);
pub(crate) static SERVICE: Datatype = number("inet_service", 13, 2, Form::Network, &[]);
pub(crate) static ICMP: Datatype = number(
    "icmp_type",
    14,
    1,
    Form::Network,
    &[
        ("echo-reply", 0),
        ("destination-unreachable", 3),
        ("redirect", 5),
        ("echo-request", 8),
        ("router-advertisement", 9),
        ("router-solicitation", 10),
        ("time-exceeded", 11),
        ("parameter-problem", 12),
        ("timestamp-request", 13),
        ("timestamp-reply", 14),
    ],
);
pub(crate) static TCP_FLAGS: Datatype = bits(
    "tcp_flag",
    15,
    1,
    Form::Network,
    &[
        ("fin", 1),
        ("syn", 2),
        ("rst", 4),
        ("psh", 8),
        ("ack", 16),
        ("urg", 32),
        ("ecn", 64),
        ("cwr", 128),
    ],
);
pub(crate) static MARK: Datatype = number("mark", 19, 4, Form::Host, &[]);
pub(crate) static CT_STATE: Datatype = bits(
    "ct_state",
    26,
    4,
    Form::Host,
    &[
        ("invalid", 1),
        ("established", 2),
        ("related", 4),
        ("new", 8),
        ("untracked", 64),
    ],
);
pub(crate) static CT_STATUS: Datatype = bits(
    "ct_status",
    28,
    4,
    Form::Host,
    &[
        ("expected", 1),
        ("seen-reply", 2),
        ("assured", 4),
        ("confirmed", 8),
        ("snat", 16),
        ("dnat", 32),
        ("dying", 512),
    ],
);
pub(crate) static ICMPV6: Datatype = number(
    "icmpv6_type",
    29,
    1,
    Form::Network,
    &[
        ("destination-unreachable", 1),
        ("packet-too-big", 2),
        ("time-exceeded", 3),
        ("parameter-problem", 4),
        ("echo-request", 128),
        ("echo-reply", 129),
        ("mld-listener-query", 130),
        ("mld-listener-report", 131),
        ("mld-listener-done", 132),
        ("nd-router-solicit", 133),
        ("nd-router-advert", 134),
        ("nd-neighbor-solicit", 135),
        ("nd-neighbor-advert", 136),
        ("nd-redirect", 137),
        ("mld2-listener-report", 143),
    ],
);
pub(crate) static FIB_TYPE: Datatype = number(
    "fib_addrtype",
    38,
    4,
    Form::Host,
    &[
        ("unspec", 0),
        ("unicast", 1),
        ("local", 2),
        ("broadcast", 3),
        ("anycast", 4),
        ("multicast", 5),
        ("blackhole", 6),
        ("unreachable", 7),
        ("prohibit", 8),
    ],
);
pub(crate) static IFNAME: Datatype = number("ifname", 41, IFNAMSIZ, Form::Name, &[]);

/// The types that sets may have.
static NAMED: [&Datatype; 9] = [
    &IPV4, &IPV6, &PROTOCOL, &SERVICE, &MARK, &IFNAME, &ICMP, &ICMPV6, &CT_STATE,
];

impl Datatype {
    pub(crate) fn named(name: &str) -> Result<&'static Self, Unsupported> {
        let found = NAMED.iter().find(|datatype| datatype.name == name);
        found
            .copied()
            .ok_or_else(|| Unsupported(format!("sets of {name}")))
    }

    /// `enum byteorder` of `nft`.
    pub(crate) fn byteorder(&self) -> u32 {
        match self.form {
            Form::Host | Form::Name => 1,
            Form::Network | Form::Ipv4 | Form::Ipv6 => 2,
        }
    }

    /// An address, of which a prefix can be taken.
    pub(crate) fn is_address(&self) -> bool {
        matches!(self.form, Form::Ipv4 | Form::Ipv6)
    }

    /// Whether bytes are in the order of values, as intervals need it.
    pub(crate) fn is_ordered(&self) -> bool {
        matches!(self.form, Form::Network | Form::Ipv4 | Form::Ipv6)
    }

    /// The bytes of a constant.
    pub(crate) fn constant(&self, node: &Node) -> Result<Vec<u8>, Unsupported> {
        match (self.form, node) {
            (_, Node::List(flags)) if self.bits => self.union(flags),
            (_, Node::Tagged(tagged)) if self.bits => match &**tagged {
                Tagged::Or(flags) => self.union(flags),
                _ => self.unknown(node),
            },
            (Form::Ipv4, Node::Text(text)) => match text.parse::<Ipv4Addr>() {
                Ok(address) => Ok(address.octets().to_vec()),
                Err(_) => self.unknown(node),
            },
            (Form::Ipv6, Node::Text(text)) => match text.parse::<Ipv6Addr>() {
                Ok(address) => Ok(address.octets().to_vec()),
                Err(_) => self.unknown(node),
            },
            (Form::Name, Node::Text(text)) => name(text),
            (Form::Host | Form::Network, Node::Text(_) | Node::Number(_)) => {
                self.number(self.value(node)?)
            }
            _ => self.unknown(node),
        }
    }

    fn union(&self, flags: &[Node]) -> Result<Vec<u8>, Unsupported> {
        let mut all = 0;
        for flag in flags {
            all |= self.value(flag)?;
        }
        self.number(all)
    }

    fn value(&self, node: &Node) -> Result<u32, Unsupported> {
        let word = |text: &String| {
            let known = self.words.iter().find(|(word, _)| word == text);
            known.map(|(_, value)| *value).or_else(|| text.parse().ok())
        };
        let value = match node {
            Node::Number(number) => u32::try_from(*number).ok(),
            Node::Text(text) => word(text),
            _ => None,
        };
        value.map_or_else(|| self.unknown(node), Ok)
    }

    fn number(&self, value: u32) -> Result<Vec<u8>, Unsupported> {
        let small = match self.length {
            1 => u8::try_from(value).map(|value| vec![value]).ok(),
            2 => u16::try_from(value)
                .map(|value| value.to_be_bytes().to_vec())
                .ok(),
            _ if self.form == Form::Host => Some(value.to_ne_bytes().to_vec()),
            _ => Some(value.to_be_bytes().to_vec()),
        };
        small.ok_or_else(|| Unsupported(format!("the {} {value}", self.name)))
    }

    fn unknown<T>(&self, node: &Node) -> Result<T, Unsupported> {
        unsupported(format!("the {} {node:?}", self.name))
    }
}

/// The name of an interface, filled up with zeros.
fn name(text: &str) -> Result<Vec<u8>, Unsupported> {
    if text.is_empty() || text.len() >= IFNAMSIZ || text.contains(['*', '\\', '\0']) {
        return unsupported(format!("the interface name {text}"));
    }
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(IFNAMSIZ, 0);
    Ok(bytes)
}
