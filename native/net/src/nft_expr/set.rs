//! Sets and maps: their definitions and their elements.

use super::{
    Unsupported,
    datatype::Datatype,
    json::{Node, Set, Tagged},
    unsupported,
    wire::{Attribute, SetName, Verdict, be32, data, element, nest, raw, text},
};

const NFT_SET_ANONYMOUS: u32 = 1;
const NFT_SET_CONSTANT: u32 = 2;
const NFT_SET_INTERVAL: u32 = 4;
const NFT_SET_MAP: u32 = 8;
/// `NFT_DATA_VERDICT`
const VERDICT_TYPE: u32 = 0xffff_ff00;
const NFT_SET_ELEM_INTERVAL_END: u32 = 1;
/// A nested list has a 16-bit length; an element has at most some 150 bytes.
const ELEMENTS_AT_ONCE: usize = 400;
/// How `nft` packs the types of a concatenation into one number.
const TYPE_BITS: u32 = 6;

/// What a set holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Data {
    Nothing,
    Verdict,
    Values(Vec<&'static Datatype>),
}

/// The types of a set or map.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) key: Vec<&'static Datatype>,
    pub(crate) data: Data,
    pub(crate) interval: bool,
    constant: bool,
}

/// Attributes of one message each.
pub(crate) type Bodies = Vec<Vec<Attribute>>;

impl Shape {
    /// Of a set in the table.
    pub(crate) fn named(set: &Set) -> Result<Self, Unsupported> {
        let types = |words: &[String]| -> Result<Vec<_>, _> {
            words.iter().map(|word| Datatype::named(word)).collect()
        };
        let data = match set.map.as_ref().map(super::json::OneOrMany::words) {
            None => Data::Nothing,
            Some([word]) if word == "verdict" => Data::Verdict,
            Some(words) => Data::Values(types(words)?),
        };
        let mut shape = Self {
            key: types(set.r#type.words())?,
            data,
            interval: false,
            constant: false,
        };
        for flag in &set.flags {
            match flag.as_str() {
                "interval" => shape.interval = true,
                "constant" => shape.constant = true,
                other => return unsupported(format!("sets that are {other}")),
            }
        }
        shape.checked()
    }

    /// Of a set that a rule brings along.
    pub(crate) fn anonymous(
        key: Vec<&'static Datatype>,
        data: Data,
        elements: &[Node],
    ) -> Result<Self, Unsupported> {
        let of_many = |node: &Node| {
            let Node::Tagged(tagged) = node else {
                return false;
            };
            matches!(**tagged, Tagged::Prefix(_) | Tagged::Range(..))
        };
        let interval = elements.iter().any(|node| match node {
            Node::List(pair) => pair.first().is_some_and(of_many),
            node => of_many(node),
        });
        Self {
            key,
            data,
            interval,
            constant: true,
        }
        .checked()
    }

    fn checked(self) -> Result<Self, Unsupported> {
        let ordered = matches!(self.key.as_slice(), [one] if one.is_ordered());
        if self.interval && !ordered {
            return unsupported("intervals of such a type");
        }
        Ok(self)
    }

    /// `NFT_MSG_NEWSET`
    pub(crate) fn definition(&self, table: &str, set: &SetName, anonymous: bool) -> Vec<Attribute> {
        let mut flags = 0;
        for (holds, flag) in [
            (anonymous, NFT_SET_ANONYMOUS),
            (self.constant, NFT_SET_CONSTANT),
            (self.interval, NFT_SET_INTERVAL),
            (self.data != Data::Nothing, NFT_SET_MAP),
        ] {
            flags |= if holds { flag } else { 0 };
        }
        let mut attributes = vec![
            text(1, table),
            text(2, &set.name),
            be32(3, flags),
            be32(4, type_number(&self.key)),
            be32(5, length(&self.key)),
        ];
        let mut userdata = byteorder(0, order_of(&self.key));
        match &self.data {
            Data::Nothing => {}
            Data::Verdict => {
                attributes.extend([be32(6, VERDICT_TYPE), be32(7, 0)]);
                userdata.extend(byteorder(1, 0));
            }
            Data::Values(types) => {
                attributes.extend([be32(6, type_number(types)), be32(7, length(types))]);
                userdata.extend(byteorder(1, order_of(types)));
            }
        }
        attributes.extend(set.id.map(|id| be32(10, id)));
        attributes.push(raw(13, userdata));
        attributes
    }

    /// `NFT_MSG_NEWSETELEM`, several for many elements and none for none.
    pub(crate) fn elements(
        &self,
        table: &str,
        set: &SetName,
        nodes: &[Node],
    ) -> Result<Bodies, Unsupported> {
        let mut entries = Vec::new();
        for node in nodes {
            let (key, value) = match (&self.data, node) {
                (Data::Nothing, key) => (key, None),
                (_, Node::List(pair)) => match pair.as_slice() {
                    [key, value] => (key, Some(self.value(value)?)),
                    _ => return unsupported("an entry that is no pair"),
                },
                _ => return unsupported("an entry that is no pair"),
            };
            entries.push((self.key(key)?, value));
        }
        let elements = if self.interval {
            intervals(entries)?
        } else {
            let entries = entries.into_iter();
            entries
                .map(|(key, value)| entry(None, &key.from, value))
                .collect()
        };
        let head = |list: &[Attribute]| {
            let mut attributes = vec![text(1, table), text(2, &set.name)];
            attributes.extend(set.id.map(|id| be32(4, id)));
            attributes.push(nest(3, list));
            attributes
        };
        Ok(elements.chunks(ELEMENTS_AT_ONCE).map(head).collect())
    }

    fn key(&self, node: &Node) -> Result<Range, Unsupported> {
        match (self.key.as_slice(), node) {
            ([one], node) => Range::parse(one, node, self.interval),
            (many, node) => joined(many, node).map(|from| Range {
                to: from.clone(),
                from,
            }),
        }
    }

    fn value(&self, node: &Node) -> Result<Attribute, Unsupported> {
        match &self.data {
            Data::Values(types) => match types.as_slice() {
                [one] => Ok(data(2, &one.constant(node)?)),
                many => Ok(data(2, &joined(many, node)?)),
            },
            Data::Verdict | Data::Nothing => match verdict_of(node) {
                Some(verdict) => Ok(verdict.attribute(2)),
                None => unsupported(format!("the verdict {node:?}")),
            },
        }
    }
}

/// The verdict that a statement or an entry is, if it is one.
pub(crate) fn verdict_of(node: &Node) -> Option<Verdict> {
    let Node::Tagged(tagged) = node else {
        return None;
    };
    Some(match &**tagged {
        Tagged::Accept(()) => Verdict::Accept,
        Tagged::Drop(()) => Verdict::Drop,
        Tagged::Continue(()) => Verdict::Continue,
        Tagged::Return(()) => Verdict::Return,
        Tagged::Jump(to) => Verdict::Jump(to.target.clone()),
        Tagged::Goto(to) => Verdict::Goto(to.target.clone()),
        _ => return None,
    })
}

/// Values from one to another, both included.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Range {
    pub(crate) from: Vec<u8>,
    pub(crate) to: Vec<u8>,
}

impl Range {
    /// A constant, or where `wide` also a prefix or a range.
    pub(crate) fn parse(datatype: &Datatype, node: &Node, wide: bool) -> Result<Self, Unsupported> {
        let tagged = match node {
            Node::Tagged(tagged) if wide => &**tagged,
            _ => {
                let from = datatype.constant(node)?;
                return Ok(Self {
                    to: from.clone(),
                    from,
                });
            }
        };
        match tagged {
            Tagged::Prefix(prefix) if datatype.is_address() => {
                let address = datatype.constant(&prefix.addr)?;
                let mask = prefix_mask(address.len(), prefix.len)?;
                let ends = address.iter().zip(mask);
                let (from, to) = ends.map(|(byte, mask)| (byte & mask, byte | !mask)).unzip();
                Ok(Self { from, to })
            }
            Tagged::Range(from, to) => {
                let (from, to) = (datatype.constant(from)?, datatype.constant(to)?);
                if from > to {
                    return unsupported("a range that ends before it begins");
                }
                Ok(Self { from, to })
            }
            other => unsupported(format!("the value {other:?}")),
        }
    }
}

/// The first `bits` bits of `length` bytes; `nft` has no prefix of length 0.
pub(crate) fn prefix_mask(length: usize, bits: u32) -> Result<Vec<u8>, Unsupported> {
    let bits = usize::try_from(bits).unwrap_or(usize::MAX);
    if bits == 0 || bits > length * 8 {
        return unsupported(format!("a prefix of {bits} bits"));
    }
    let byte = |at: usize| match bits.saturating_sub(at * 8) {
        8.. => 0xff,
        left => !(0xff_u8 >> left),
    };
    Ok((0..length).map(byte).collect())
}

/// Each part begins at a multiple of 4 bytes.
fn joined(types: &[&'static Datatype], node: &Node) -> Result<Vec<u8>, Unsupported> {
    let parts = match node {
        Node::Tagged(tagged) => match &**tagged {
            Tagged::Concat(parts) if parts.len() == types.len() => parts,
            other => return unsupported(format!("the value {other:?}")),
        },
        other => return unsupported(format!("the value {other:?}")),
    };
    let mut bytes = Vec::new();
    for (datatype, part) in types.iter().zip(parts) {
        bytes.extend(datatype.constant(part)?);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    Ok(bytes)
}

fn entry(flags: Option<u32>, key: &[u8], value: Option<Attribute>) -> Attribute {
    let flags = flags.map(|flags| be32(3, flags));
    let parts: Vec<_> = flags
        .into_iter()
        .chain([data(1, key)])
        .chain(value)
        .collect();
    element(&parts)
}

/// The kernel keeps where each range begins and where the gap after it begins, the first gap included.
fn intervals(mut entries: Vec<(Range, Option<Attribute>)>) -> Result<Vec<Attribute>, Unsupported> {
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut elements = Vec::new();
    // Where the gap began that the next range ends; `None` after the last value of all.
    let mut gap = entries.first().map(|(range, _)| vec![0; range.from.len()]);
    for (range, value) in entries {
        let end = NFT_SET_ELEM_INTERVAL_END;
        match gap {
            Some(begin) if begin < range.from => {
                elements.push(entry(Some(end), &begin, None));
            }
            Some(begin) if begin == range.from && elements.is_empty() => {}
            // `nft` joins them, or refuses them in better words.
            _ => return unsupported("ranges that touch"),
        }
        elements.push(entry(None, &range.from, value));
        gap = successor(range.to);
    }
    elements.extend(gap.map(|begin| entry(Some(NFT_SET_ELEM_INTERVAL_END), &begin, None)));
    Ok(elements)
}

/// The next value; `None` after the last.
fn successor(mut value: Vec<u8>) -> Option<Vec<u8>> {
    for byte in value.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return Some(value);
        }
    }
    None
}

fn type_number(types: &[&Datatype]) -> u32 {
    let join = |number: u32, datatype: &&Datatype| number << TYPE_BITS | datatype.id;
    types.iter().fold(0, join)
}

fn length(types: &[&Datatype]) -> u32 {
    let length = match types {
        [one] => one.length,
        many => many
            .iter()
            .map(|datatype| datatype.length.next_multiple_of(4))
            .sum(),
    };
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn order_of(types: &[&Datatype]) -> u32 {
    match types {
        [one] => one.byteorder(),
        _ => 0,
    }
}

/// libnftnl's userdata, by which `nft` knows how to print values: 0 is the byte order of keys, 1 that of data.
fn byteorder(kind: u8, order: u32) -> Vec<u8> {
    [&[kind, 4][..], &order.to_ne_bytes()].concat()
}
