//! Addresses with a prefix length, as text.

use std::net::IpAddr;

use netlink_packet_route::AddressFamily;

use crate::error::{Error, Result};

/// `10.0.0.1/24`. Without a length the address stands alone (/32 or /128).
pub(crate) fn parse_prefix(op: &'static str, text: &str) -> Result<(IpAddr, u8)> {
    let refuse = || Error::invalid(op, text, "not an address with a prefix length");
    let (address, length) = text
        .split_once('/')
        .map_or((text, None), |(a, l)| (a, Some(l)));
    let address: IpAddr = address.parse().map_err(|_| refuse())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Ok(most), |text| text.parse().map_err(|_| refuse()))?;
    if length > most {
        Err(refuse())
    } else {
        Ok((address, length))
    }
}

/// An address without a length.
pub(crate) fn parse_ip(op: &'static str, text: &str) -> Result<IpAddr> {
    text.parse()
        .map_err(|_| Error::invalid(op, text, "not an IP address"))
}

pub(crate) fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    }
}

/// Family number for JSON: 4 or 6; `None` for families that are not IP.
pub(crate) fn family_number(family: u8) -> Option<u8> {
    match i32::from(family) {
        libc::AF_INET => Some(4),
        libc::AF_INET6 => Some(6),
        _ => None,
    }
}

/// `RT_SCOPE_*` by name, as iproute2 prints it.
pub(crate) fn scope_name(number: u8) -> &'static str {
    match number {
        libc::RT_SCOPE_UNIVERSE => "global",
        libc::RT_SCOPE_SITE => "site",
        libc::RT_SCOPE_LINK => "link",
        libc::RT_SCOPE_HOST => "host",
        libc::RT_SCOPE_NOWHERE => "nowhere",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::parse_prefix;

    #[test]
    fn reads_prefixes_of_both_families() {
        assert_eq!(
            parse_prefix("t", "10.0.0.1/24").unwrap(),
            ("10.0.0.1".parse().unwrap(), 24)
        );
        assert_eq!(
            parse_prefix("t", "fd00::1").unwrap(),
            ("fd00::1".parse().unwrap(), 128)
        );
    }

    #[test]
    fn refuses_what_is_not_a_prefix() {
        for text in [
            "",
            "10.0.0.1/33",
            "10.0.0/24",
            "10.0.0.1/-1",
            "fd00::/129",
            "10.0.0.1/24/1",
            "x",
        ] {
            assert_eq!(
                parse_prefix("t", text).unwrap_err().code(),
                "EINVAL",
                "{text}"
            );
        }
    }
}
