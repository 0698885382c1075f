//! Generic netlink: a socket that knows the number of the WireGuard family.

use netlink_packet_generic::{
    GenlMessage,
    constants::GENL_ID_CTRL,
    ctrl::{GenlCtrl, GenlCtrlCmd, nlas::GenlCtrlAttrs},
};
use nix::errno::Errno;

use crate::{
    attribute::{Attribute, attributes},
    error::Failure,
    socket::{Socket, bytes},
};

/// `struct genlmsghdr`
pub(crate) const HEADER: usize = 4;
const CTRL_ATTR_FAMILY_ID: u16 = 1;

/// A generic netlink socket. Families are numbered when their module is loaded, so the number is asked for once.
#[derive(Debug)]
pub(crate) struct Generic {
    pub(crate) socket: Socket,
    wireguard: Option<u16>,
}

impl Generic {
    /// Wraps a socket of that protocol.
    pub(crate) fn new(socket: Socket) -> Self {
        Self {
            socket,
            wireguard: None,
        }
    }

    /// The number of the WireGuard family; asking loads its module.
    pub(crate) fn wireguard(&mut self) -> Result<u16, Failure> {
        if let Some(family) = self.wireguard {
            return Ok(family);
        }
        let family = self
            .resolve("wireguard")
            .map_err(|failure| match failure.errno {
                Errno::ENOENT => Failure {
                    errno: Errno::EOPNOTSUPP,
                    text: Some("this kernel has no WireGuard (module wireguard)".to_owned()),
                },
                _ => failure,
            })?;
        self.wireguard = Some(family);
        Ok(family)
    }

    fn resolve(&mut self, name: &str) -> Result<u16, Failure> {
        let request = GenlMessage::from_payload(GenlCtrl {
            cmd: GenlCtrlCmd::GetFamily,
            nlas: vec![GenlCtrlAttrs::FamilyName(name.to_owned())],
        });
        let answer = self.socket.get(GENL_ID_CTRL, &bytes(&request))?;
        attributes(&answer, HEADER)
            .find(|found| found.kind == CTRL_ATTR_FAMILY_ID)
            .and_then(Attribute::u16)
            .ok_or_else(|| Failure::malformed("a family without a number"))
    }
}
