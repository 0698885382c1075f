//! Attributes of `nf_tables` messages, and the instructions of its register machine
//! (`include/uapi/linux/netfilter/nf_tables.h`).

use netlink_packet_core::{DefaultNla, NLA_F_NESTED};

use crate::socket::bytes;

/// One attribute.
pub(crate) type Attribute = DefaultNla;

const NFTA_LIST_ELEM: u16 = 1;
const NFTA_EXPR_NAME: u16 = 1;
const NFTA_EXPR_DATA: u16 = 2;
const NFTA_DATA_VALUE: u16 = 1;
const NFTA_DATA_VERDICT: u16 = 2;
const NFTA_VERDICT_CODE: u16 = 1;
const NFTA_VERDICT_CHAIN: u16 = 2;
/// Verdicts have a register of their own.
const NFT_REG_VERDICT: u32 = 0;
/// The first of four registers of 16 bytes.
const NFT_REG_1: u32 = 1;
/// The first of sixteen registers of 4 bytes, which are the same memory.
const NFT_REG32_00: u32 = 8;

pub(crate) fn raw(kind: u16, value: impl Into<Vec<u8>>) -> Attribute {
    Attribute::new(kind, value.into())
}

pub(crate) fn be32(kind: u16, value: u32) -> Attribute {
    raw(kind, value.to_be_bytes())
}

pub(crate) fn be64(kind: u16, value: u64) -> Attribute {
    raw(kind, value.to_be_bytes())
}

/// A string, with the NUL that the kernel wants.
pub(crate) fn text(kind: u16, value: &str) -> Attribute {
    let mut bytes = value.as_bytes().to_vec();
    bytes.push(0);
    raw(kind, bytes)
}

pub(crate) fn nest(kind: u16, attributes: &[Attribute]) -> Attribute {
    raw(kind | NLA_F_NESTED, bytes(&attributes))
}

/// An element of a list of attributes.
pub(crate) fn element(attributes: &[Attribute]) -> Attribute {
    nest(NFTA_LIST_ELEM, attributes)
}

/// A value to compare with, to load or to keep in a set.
pub(crate) fn data(kind: u16, value: &[u8]) -> Attribute {
    nest(kind, &[raw(NFTA_DATA_VALUE, value)])
}

/// One instruction.
pub(crate) fn expression(name: &str, attributes: &[Attribute]) -> Attribute {
    let attributes = nest(NFTA_EXPR_DATA, attributes);
    element(&[text(NFTA_EXPR_NAME, name), attributes])
}

/// A place of 4 bytes in the registers, counted from 0. The number that the kernel knows is that of a register of 16 bytes where one
/// begins there, as `nft` gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) u32);

impl Slot {
    pub(crate) const FIRST: Self = Self(0);
    /// The next register of 16 bytes.
    pub(crate) const SECOND: Self = Self(4);
    pub(crate) const THIRD: Self = Self(8);
    pub(crate) const FOURTH: Self = Self(12);
    /// The memory ends here.
    const END: u32 = 16;

    /// The first place after `length` bytes from here; `None` when the registers end before.
    pub(crate) fn after(self, length: usize) -> Option<Self> {
        let places = u32::try_from(length.div_ceil(4)).ok()?;
        Some(Self(self.0.checked_add(places)?)).filter(|next| next.0 <= Self::END)
    }

    fn number(self) -> u32 {
        if self.0.is_multiple_of(4) {
            NFT_REG_1 + self.0 / 4
        } else {
            NFT_REG32_00 + self.0
        }
    }

    pub(crate) fn attribute(self, kind: u16) -> Attribute {
        be32(kind, self.number())
    }
}

/// What happens to a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accept,
    Drop,
    Continue,
    Return,
    Jump(String),
    Goto(String),
}

impl Verdict {
    pub(crate) fn attribute(&self, kind: u16) -> Attribute {
        // NF_DROP, NF_ACCEPT and NFT_*
        let (code, chain): (i32, _) = match self {
            Self::Drop => (0, None),
            Self::Accept => (1, None),
            Self::Continue => (-1, None),
            Self::Jump(chain) => (-3, Some(chain)),
            Self::Goto(chain) => (-4, Some(chain)),
            Self::Return => (-5, None),
        };
        let code = be32(NFTA_VERDICT_CODE, code.cast_unsigned());
        let chain = chain.map(|chain| text(NFTA_VERDICT_CHAIN, chain));
        let verdict: Vec<_> = std::iter::once(code).chain(chain).collect();
        nest(kind, &[nest(NFTA_DATA_VERDICT, &verdict)])
    }
}

/// Ends a rule.
pub(crate) fn verdict(verdict: &Verdict) -> Attribute {
    let register = be32(1, NFT_REG_VERDICT);
    expression("immediate", &[register, verdict.attribute(2)])
}

pub(crate) fn immediate(slot: Slot, value: &[u8]) -> Attribute {
    expression("immediate", &[slot.attribute(1), data(2, value)])
}

/// Whether a value shall be the same or another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Equality {
    Same,
    Other,
}

/// Goes on when the first register is, or is not, `value`.
pub(crate) fn compare(equality: Equality, value: &[u8]) -> Attribute {
    let operator = be32(2, equality as u32);
    expression("cmp", &[Slot::FIRST.attribute(1), operator, data(3, value)])
}

/// Goes on when the first register lies, or does not lie, between two values.
pub(crate) fn within(equality: Equality, from: &[u8], to: &[u8]) -> Attribute {
    let operator = be32(2, equality as u32);
    let ends = [
        Slot::FIRST.attribute(1),
        operator,
        data(3, from),
        data(4, to),
    ];
    expression("range", &ends)
}

/// Keeps the bits of `mask` in the first register.
pub(crate) fn mask(mask: &[u8]) -> Attribute {
    let length = u32::try_from(mask.len()).unwrap_or(u32::MAX);
    let first = Slot::FIRST;
    let parts = [
        first.attribute(1),
        first.attribute(2),
        be32(3, length),
        data(4, mask),
        data(5, &vec![0; mask.len()]),
    ];
    expression("bitwise", &parts)
}

/// A set as an instruction refers to it: sets without a name of their own are told apart by an id.
#[derive(Debug, Clone)]
pub(crate) struct SetName {
    pub(crate) name: String,
    pub(crate) id: Option<u32>,
}

/// What a lookup is for.
pub(crate) enum Lookup {
    /// Goes on when the set has, or has not, what lies in the first register.
    Test(Equality),
    /// Ends the rule with the verdict that is kept there.
    Verdict,
    /// Loads the value that is kept there.
    Value,
}

pub(crate) fn lookup(set: &SetName, lookup: &Lookup) -> Attribute {
    const NFT_LOOKUP_F_INV: u32 = 1;
    let mut parts = vec![Slot::FIRST.attribute(2)];
    match lookup {
        Lookup::Test(_) => {}
        Lookup::Verdict => parts.push(be32(3, NFT_REG_VERDICT)),
        Lookup::Value => parts.push(Slot::FIRST.attribute(3)),
    }
    parts.push(text(1, &set.name));
    parts.extend(set.id.map(|id| be32(4, id)));
    if matches!(lookup, Lookup::Test(Equality::Other)) {
        parts.push(be32(5, NFT_LOOKUP_F_INV));
    }
    expression("lookup", &parts)
}
