//! What the kernel knows of router advertisements on a link (`IFLA_AF_SPEC`, `AF_INET6`).

use serde::Serialize;

use crate::attribute::Attribute;

/// `IFLA_AF_SPEC`
pub(crate) const IFLA_AF_SPEC: u16 = 26;
const IFLA_INET6_FLAGS: u16 = 1;
// include/net/if_inet6.h
const IF_RA_RCVD: u32 = 0x20;
const IF_RA_MANAGED: u32 = 0x40;
const IF_RA_OTHERCONF: u32 = 0x80;

/// The flags of the last router advertisement that a link heeded (RFC 4861, 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct RouterFlags {
    /// M: addresses by `DHCPv6`.
    pub(crate) managed: bool,
    /// O: other settings by `DHCPv6`.
    pub(crate) other: bool,
}

/// Reads `IFLA_AF_SPEC`; `None` before the first advertisement, or without IPv6.
pub(crate) fn router_flags(families: Attribute<'_>) -> Option<RouterFlags> {
    let inet6 = u16::try_from(libc::AF_INET6).ok()?;
    let inet6 = families.nested().find(|found| found.kind == inet6)?;
    let flags = inet6
        .nested()
        .find(|found| found.kind == IFLA_INET6_FLAGS)?
        .u32()?;
    (flags & IF_RA_RCVD != 0).then_some(RouterFlags {
        managed: flags & IF_RA_MANAGED != 0,
        other: flags & IF_RA_OTHERCONF != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::{RouterFlags, router_flags};
    use crate::attribute::Attribute;

    fn read(flags: u8) -> Option<RouterFlags> {
        // AF_INET6 with IFLA_INET6_FLAGS, as the kernel nests them.
        let value = [12, 0, 10, 0, 8, 0, 1, 0, flags, 0, 0, 0x80];
        router_flags(Attribute {
            kind: super::IFLA_AF_SPEC,
            value: &value,
        })
    }

    #[test]
    fn a_link_without_an_advertisement_has_no_flags() {
        assert_eq!(read(0xd0), None);
        assert_eq!(
            read(0x20),
            Some(RouterFlags {
                managed: false,
                other: false
            })
        );
        assert_eq!(
            read(0xa0),
            Some(RouterFlags {
                managed: false,
                other: true
            })
        );
        assert_eq!(
            read(0xe0),
            Some(RouterFlags {
                managed: true,
                other: true
            })
        );
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        let value = [12, 0, 10, 0, 8, 0, 1, 0, 0x20, 0, 0, 0];
        crate::fuzz::mangle(&value, |value| {
            let _ = router_flags(Attribute { kind: 26, value });
        });
    }
}
