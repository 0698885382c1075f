//! System calls without a safe interface. All of the crate's `unsafe` is here, but for one line of `peer`.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

use crate::attribute::text;

/// `struct ifreq` as `TUNSETIFF` reads and writes it.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; libc::IFNAMSIZ],
    flags: u16,
    rest: [u8; 22],
}

// The kernel copies the whole structure, in both directions.
const _: () = assert!(size_of::<InterfaceRequest>() == size_of::<libc::ifreq>());

/// The network namespace that a socket is in (`SIOCGSKNS`). It needs `CAP_NET_ADMIN` there.
pub(crate) fn namespace_of(socket: &impl AsFd) -> Result<OwnedFd, Errno> {
    let socket = socket.as_fd().as_raw_fd();
    #[expect(unsafe_code, reason = "an ioctl has no safe interface")]
    // SAFETY: the request takes no argument, and a descriptor that is not a socket is refused with ENOTTY.
    let opened = Errno::result(unsafe { libc::ioctl(socket, libc::SIOCGSKNS) })?;
    #[expect(unsafe_code, reason = "the kernel names descriptors by number")]
    // SAFETY: the kernel has just opened it for us, and nobody else knows its number.
    let namespace = unsafe { OwnedFd::from_raw_fd(opened) };
    Ok(namespace)
}

/// `struct ifreq` as `SIOCETHTOOL` reads it.
#[repr(C)]
struct EthtoolRequest {
    name: [u8; libc::IFNAMSIZ],
    data: *mut DriverInfo,
    rest: [u8; 16],
}

const _: () = assert!(size_of::<EthtoolRequest>() == size_of::<libc::ifreq>());

/// `struct ethtool_drvinfo`
#[repr(C)]
struct DriverInfo {
    command: u32,
    driver: [u8; 32],
    versions: [u8; 64],
    bus: [u8; 32],
    rest: [u8; 64],
}

const _: () = assert!(size_of::<DriverInfo>() == 196);

/// Name of the driver of the link `name`, and the bus address of its device; empty where the driver tells none.
pub(crate) fn driver_of(socket: &impl AsFd, name: &str) -> Result<(String, String), Errno> {
    const ETHTOOL_GDRVINFO: u32 = 3;
    const SIOCETHTOOL: libc::Ioctl = 0x8946;
    let mut info = DriverInfo {
        command: ETHTOOL_GDRVINFO,
        driver: [0; 32],
        versions: [0; 64],
        bus: [0; 32],
        rest: [0; 64],
    };
    let mut request = EthtoolRequest {
        name: [0; libc::IFNAMSIZ],
        data: &raw mut info,
        rest: [0; 16],
    };
    let room = request.name.get_mut(..libc::IFNAMSIZ - 1);
    let place = room.and_then(|room| room.get_mut(..name.len()));
    place
        .ok_or(Errno::ENAMETOOLONG)?
        .copy_from_slice(name.as_bytes());
    let socket = socket.as_fd().as_raw_fd();
    #[expect(unsafe_code, reason = "an ioctl has no safe interface")]
    // SAFETY: the argument points to a structure of the size that the kernel copies, and this one to another of the size that
    // belongs to the command in it; both outlive the call.
    let done = unsafe { libc::ioctl(socket, SIOCETHTOOL, &raw mut request) };
    Errno::result(done)?;
    Ok((text(&info.driver), text(&info.bus)))
}

/// Ties an open `/dev/net/tun` to the link `name`, which it makes (`TUNSETIFF`).
pub(crate) fn tun_set_interface(tun: &impl AsFd, name: &str, flags: u16) -> Result<(), Errno> {
    let mut request = InterfaceRequest {
        name: [0; libc::IFNAMSIZ],
        flags,
        rest: [0; 22],
    };
    // The last byte stays 0, the end of the name.
    let room = request.name.get_mut(..libc::IFNAMSIZ - 1);
    let place = room.and_then(|room| room.get_mut(..name.len()));
    place
        .ok_or(Errno::ENAMETOOLONG)?
        .copy_from_slice(name.as_bytes());
    let tun = tun.as_fd().as_raw_fd();
    #[expect(unsafe_code, reason = "an ioctl has no safe interface")]
    // SAFETY: the argument points to a structure of the size that the kernel copies, which outlives the call.
    let done = unsafe { libc::ioctl(tun, libc::TUNSETIFF, &raw mut request) };
    Errno::result(done).map(drop)
}

/// One of the `TUNSET*` requests that take a number.
pub(crate) fn tun_set(tun: &impl AsFd, request: libc::Ioctl, value: u32) -> Result<(), Errno> {
    let tun = tun.as_fd().as_raw_fd();
    #[expect(unsafe_code, reason = "an ioctl has no safe interface")]
    // SAFETY: the argument is a number, which the kernel does not take for an address.
    let done = unsafe { libc::ioctl(tun, request, libc::c_ulong::from(value)) };
    Errno::result(done).map(drop)
}
