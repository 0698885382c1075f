//! Router solicitations (RFC 4861, 6.3.7). The kernel sends them only when a link comes up, and a bridge stays up when the cable below
//! it is moved; name servers that were told before we listened are not told again for minutes.

use std::{
    net::{Ipv6Addr, SocketAddrV6},
    os::fd::AsRawFd,
    path::Path,
};

use nix::{
    net::if_::if_nametoindex,
    sys::socket::{
        AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn6, sendto, setsockopt,
        socket, sockopt,
    },
};

use crate::{
    error::{At, Failure, Result},
    netns,
};

const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// Type 133, code 0, a checksum that the kernel fills in, four reserved bytes. Without our hardware address routers may answer to all.
const SOLICITATION: [u8; 8] = [133, 0, 0, 0, 0, 0, 0, 0];
/// A router heeds nothing that was forwarded.
const HOPS: i32 = 255;

/// Asks the routers at the link `dev`, in the namespace at `path` or in the process's own, to advertise themselves now.
/// `EADDRNOTAVAIL` before the link has a link-local address.
pub fn solicit(path: Option<&str>, dev: &str) -> Result<()> {
    let send = || -> Result<(), Failure> {
        let raw = socket(
            AddressFamily::Inet6,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            SockProtocol::IcmpV6,
        )?;
        setsockopt(&raw, sockopt::Ipv6MulticastHops, &HOPS)?;
        let to = SockaddrIn6::from(SocketAddrV6::new(ALL_ROUTERS, 0, 0, if_nametoindex(dev)?));
        sendto(raw.as_raw_fd(), &SOLICITATION, &to, MsgFlags::empty())?;
        Ok(())
    };
    netns::inside(path.map(Path::new), send).at("router.solicit", dev)
}
