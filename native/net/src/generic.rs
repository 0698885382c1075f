//! Generic netlink: a socket that knows the numbers of the families that were asked for.

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
    families: Vec<(Family, u16)>,
}

/// What we speak by generic netlink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Ethtool,
    Wireguard,
}

impl Family {
    fn name(self) -> &'static str {
        match self {
            Self::Ethtool => "ethtool",
            Self::Wireguard => "wireguard",
        }
    }

    fn missing(self) -> &'static str {
        match self {
            Self::Ethtool => "this kernel does not speak ethtool by netlink",
            Self::Wireguard => "this kernel has no WireGuard (module wireguard)",
        }
    }
}

impl Generic {
    /// Wraps a socket of that protocol.
    pub(crate) fn new(socket: Socket) -> Self {
        Self {
            socket,
            families: Vec::new(),
        }
    }

    /// The number of the family; asking loads its module.
    pub(crate) fn number_of(&mut self, family: Family) -> Result<u16, Failure> {
        let known = self.families.iter().find(|(known, _)| *known == family);
        if let Some((_, number)) = known {
            return Ok(*number);
        }
        let resolved = self.resolve(family.name());
        let number = resolved.map_err(|failure| match failure.errno {
            Errno::ENOENT => Failure {
                errno: Errno::EOPNOTSUPP,
                text: Some(family.missing().to_owned()),
            },
            _ => failure,
        })?;
        self.families.push((family, number));
        Ok(number)
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
