//! Hardware addresses.

use std::{fmt, str::FromStr};

use serde::Serialize;

use crate::Error;

/// The six bytes of an Ethernet address.
///
/// ```
/// use netloom_net::mac::MacAddr;
///
/// let mac = MacAddr::new([0x00, 0x15, 0x5D, 0x1A, 0x1F, 0x1C]);
/// assert_eq!(mac.to_string(), "00:15:5d:1a:1f:1c");
/// assert_eq!("00:15:5d:1a:1f:1c".parse::<MacAddr>()?, mac);
/// # Ok::<(), netloom_net::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MacAddr([u8; 6]);

impl MacAddr {
    /// The address with these bytes, first on the wire first.
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    /// Its bytes, first on the wire first.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = self.0.map(|octet| format!("{octet:02x}"));
        f.write_str(&octets.join(":"))
    }
}

impl FromStr for MacAddr {
    type Err = Error;

    /// `aa:bb:cc:dd:ee:ff`, in either case; `EINVAL` for anything else.
    fn from_str(text: &str) -> Result<Self, Error> {
        let octets = crate::link_add::parse_mac("mac", text, text)?;
        let octets = octets.try_into();
        octets
            .map(Self)
            .map_err(|_| Error::invalid("mac", text, "not six bytes"))
    }
}

impl Serialize for MacAddr {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
