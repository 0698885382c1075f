//! How the values of a bond's options stand in an attribute.

use std::{
    fmt::Display,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::{attribute::Attribute, error::Error, mac::MacAddr};

/// A value in the form that the kernel reads and writes.
pub(super) trait Value: Sized {
    fn bytes(&self) -> Vec<u8>;
    fn read(found: Attribute<'_>) -> Option<Self>;
}

impl Value for u8 {
    fn bytes(&self) -> Vec<u8> {
        vec![*self]
    }

    fn read(found: Attribute<'_>) -> Option<Self> {
        found.u8()
    }
}

impl Value for u16 {
    fn bytes(&self) -> Vec<u8> {
        self.to_ne_bytes().to_vec()
    }

    fn read(found: Attribute<'_>) -> Option<Self> {
        found.u16()
    }
}

impl Value for u32 {
    fn bytes(&self) -> Vec<u8> {
        self.to_ne_bytes().to_vec()
    }

    fn read(found: Attribute<'_>) -> Option<Self> {
        found.u32()
    }
}

impl Value for bool {
    fn bytes(&self) -> Vec<u8> {
        vec![u8::from(*self)]
    }

    fn read(found: Attribute<'_>) -> Option<Self> {
        found.u8().map(|number| number != 0)
    }
}

/// An enumeration whose words are in the order of their numbers, in an attribute of this width.
macro_rules! words {
    ($name:ident: $number:ty { $($word:ident = $text:literal),* }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
        enum $name {
            $(#[serde(rename = $text)] $word,)*
        }

        impl Value for $name {
            fn bytes(&self) -> Vec<u8> {
                <$number>::from(*self as u8).bytes()
            }

            fn read(found: crate::attribute::Attribute<'_>) -> Option<Self> {
                let number = <$number as Value>::read(found)?;
                [$(Self::$word),*].get(usize::try_from(number).ok()?).copied()
            }
        }
    };
}
pub(super) use words;

/// A MAC as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Mac(MacAddr);

impl TryFrom<String> for Mac {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse().map(Self)
    }
}

impl From<Mac> for String {
    fn from(Mac(mac): Mac) -> Self {
        mac.to_string()
    }
}

impl Value for Mac {
    fn bytes(&self) -> Vec<u8> {
        self.0.octets().to_vec()
    }

    fn read(found: Attribute<'_>) -> Option<Self> {
        found.mac()?.parse().ok().map(Self)
    }
}

/// Addresses as text with commas between them, and as attributes in one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Targets4(Vec<Ipv4Addr>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Targets6(Vec<Ipv6Addr>);

fn split<T: FromStr>(text: &str) -> Result<Vec<T>, Error> {
    let targets = text.split(',').map(str::parse).collect();
    let why = "is no list of addresses of one family with commas between them";
    Result::map_err(targets, |_| Error::invalid("link", text, why))
}

fn join<T: Display>(targets: &[T]) -> String {
    let texts: Vec<_> = targets.iter().map(T::to_string).collect();
    texts.join(",")
}

impl TryFrom<String> for Targets4 {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        split(&text).map(Self)
    }
}

impl TryFrom<String> for Targets6 {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        split(&text).map(Self)
    }
}

impl From<Targets4> for String {
    fn from(Targets4(targets): Targets4) -> Self {
        join(&targets)
    }
}

impl From<Targets6> for String {
    fn from(Targets6(targets): Targets6) -> Self {
        join(&targets)
    }
}

impl Value for Targets4 {
    fn bytes(&self) -> Vec<u8> {
        nest(self.0.iter().map(Ipv4Addr::octets))
    }

    fn read(found: Attribute<'_>) -> Option<Self> {
        let targets: Vec<_> = found.nested().filter_map(v4).collect();
        (!targets.is_empty()).then_some(Self(targets))
    }
}

impl Value for Targets6 {
    fn bytes(&self) -> Vec<u8> {
        nest(self.0.iter().map(Ipv6Addr::octets))
    }

    fn read(found: Attribute<'_>) -> Option<Self> {
        let targets: Vec<_> = found.nested().filter_map(v6).collect();
        (!targets.is_empty()).then_some(Self(targets))
    }
}

fn v4(found: Attribute<'_>) -> Option<Ipv4Addr> {
    match found.ip()? {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

fn v6(found: Attribute<'_>) -> Option<Ipv6Addr> {
    match found.ip()? {
        IpAddr::V6(address) => Some(address),
        IpAddr::V4(_) => None,
    }
}

/// Attributes of one length that are numbered from 0; no address needs padding.
fn nest<const N: usize>(values: impl Iterator<Item = [u8; N]>) -> Vec<u8> {
    let length = u16::try_from(N + 4).unwrap_or(u16::MAX).to_ne_bytes();
    let entries = (0_u16..).zip(values);
    entries
        .flat_map(|(at, value)| [&length[..], &at.to_ne_bytes()[..], &value[..]].concat())
        .collect()
}
