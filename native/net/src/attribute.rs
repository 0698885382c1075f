//! Reading netlink attributes out of kernel messages.
//!
//! Requests are written with the `netlink-packet-*` types. Answers are read here, by attribute number,
//! because those crates decode every attribute of a message eagerly and fail the whole message when one is
//! newer than they are (and `netlink-packet-wireguard` 0.5 panics on an empty `WGALLOWEDIP_A_CIDR_MASK`): a
//! driver with a new attribute must not hide a link. We want 15 of about 70 attributes anyway.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const HEADER: usize = 4;
/// Without the flags `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
const TYPE_MASK: u16 = 0x3fff;

/// One attribute: its number and its value. Every getter is bounds-checked and `None` when the value is too short.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attribute<'a> {
    pub(crate) kind: u16,
    pub(crate) value: &'a [u8],
}

/// The attributes after a fixed header of `header` bytes; ends at the first one that does not fit.
pub(crate) fn attributes(message: &[u8], header: usize) -> Attributes<'_> {
    Attributes {
        rest: message.get(header..).unwrap_or_default(),
    }
}

/// Iterator over attributes, made by [`attributes`] and [`Attribute::nested`].
#[derive(Debug, Clone)]
pub(crate) struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let length = usize::from(read_u16(self.rest, 0)?);
        let kind = read_u16(self.rest, 2)? & TYPE_MASK;
        let value = self.rest.get(HEADER..length)?;
        self.rest = self
            .rest
            .get(length.next_multiple_of(4)..)
            .unwrap_or_default();
        Some(Attribute { kind, value })
    }
}

impl<'a> Attribute<'a> {
    pub(crate) fn nested(self) -> Attributes<'a> {
        attributes(self.value, 0)
    }

    pub(crate) fn u8(self) -> Option<u8> {
        self.value.first().copied()
    }

    pub(crate) fn u16(self) -> Option<u16> {
        read_u16(self.value, 0)
    }

    pub(crate) fn u32(self) -> Option<u32> {
        read_u32(self.value, 0)
    }

    pub(crate) fn i32(self) -> Option<i32> {
        array(self.value, 0).map(i32::from_ne_bytes)
    }

    pub(crate) fn u64(self) -> Option<u64> {
        read_u64(self.value, 0)
    }

    pub(crate) fn u16_be(self) -> Option<u16> {
        array(self.value, 0).map(u16::from_be_bytes)
    }

    pub(crate) fn u32_be(self) -> Option<u32> {
        array(self.value, 0).map(u32::from_be_bytes)
    }

    pub(crate) fn u64_be(self) -> Option<u64> {
        array(self.value, 0).map(u64::from_be_bytes)
    }

    /// A NUL-terminated string; bytes that are not UTF-8 become U+FFFD.
    pub(crate) fn text(self) -> String {
        text(self.value)
    }

    /// An address, by its length.
    pub(crate) fn ip(self) -> Option<IpAddr> {
        match self.value.len() {
            4 => array::<4>(self.value, 0).map(|octets| Ipv4Addr::from(octets).into()),
            16 => array::<16>(self.value, 0).map(|octets| Ipv6Addr::from(octets).into()),
            _ => None,
        }
    }

    /// A 6-byte hardware address as `aa:bb:cc:dd:ee:ff`; `None` for every other length.
    pub(crate) fn mac(self) -> Option<String> {
        let octets = array::<6>(self.value, 0).filter(|_| self.value.len() == 6)?;
        Some(octets.map(|octet| format!("{octet:02x}")).join(":"))
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

pub(crate) fn array<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..offset.checked_add(N)?)?.try_into().ok()
}

pub(crate) fn read_u16(bytes: &[u8], offset: usize) -> Option<u16> {
    array(bytes, offset).map(u16::from_ne_bytes)
}

pub(crate) fn read_u32(bytes: &[u8], offset: usize) -> Option<u32> {
    array(bytes, offset).map(u32::from_ne_bytes)
}

pub(crate) fn read_u64(bytes: &[u8], offset: usize) -> Option<u64> {
    array(bytes, offset).map(u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::attributes;

    #[test]
    fn reads_aligned_attributes_and_strips_flags() {
        let bytes = [7, 0, 3, 0x80, b'l', b'o', 0, 0xff, 8, 0, 4, 0, 1, 0, 0, 0];
        let read: Vec<_> = attributes(&bytes, 0).collect();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].kind, read[0].text()), (3, "lo".to_owned()));
        assert_eq!((read[1].kind, read[1].u32()), (4, Some(1)));
    }

    #[test]
    fn ends_at_a_length_that_does_not_fit() {
        for bad in [
            &[0, 0, 1, 0][..],
            &[3, 0, 1, 0],
            &[200, 0, 1, 0, 1],
            &[4],
            &[],
        ] {
            assert_eq!(attributes(bad, 0).count(), 0, "{bad:?}");
        }
        assert_eq!(attributes(&[4, 0, 1, 0], 16).count(), 0);
    }
}
