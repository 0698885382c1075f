//! The netlink message header: cutting a datagram into messages and writing one.

use crate::{
    attribute::{read_u16, read_u32},
    error::Failure,
};

const HEADER: usize = 16;

/// One message of a datagram.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) sequence: u32,
    /// Who asked: 0 is the kernel itself, and what is sent before the kernel fills it in.
    pub(crate) port: u32,
    pub(crate) body: &'a [u8],
}

impl Message<'_> {
    /// The message with its header.
    pub(crate) fn to_bytes(self) -> Result<Vec<u8>, Failure> {
        let length = HEADER + self.body.len();
        let declared =
            u32::try_from(length).map_err(|_| Failure::from(nix::errno::Errno::EMSGSIZE))?;
        let mut bytes = Vec::with_capacity(length);
        bytes.extend(declared.to_ne_bytes());
        bytes.extend(self.kind.to_ne_bytes());
        bytes.extend(self.flags.to_ne_bytes());
        bytes.extend(self.sequence.to_ne_bytes());
        bytes.extend(self.port.to_ne_bytes());
        bytes.extend(self.body);
        Ok(bytes)
    }
}

/// The messages of a datagram, ending at the first that does not fit.
pub(crate) fn messages(datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let length = usize::try_from(read_u32(rest, 0)?).ok()?;
        let message = Message {
            kind: read_u16(rest, 4)?,
            flags: read_u16(rest, 6)?,
            sequence: read_u32(rest, 8)?,
            port: read_u32(rest, 12)?,
            body: rest.get(HEADER..length)?,
        };
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    })
}
