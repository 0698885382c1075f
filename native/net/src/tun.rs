//! Making taps and tuns that stay without a program.
//!
//! Netlink cannot make them. A link made by the device file lives as long as that is open, so it gets everything, the owner's
//! mark too, before it is told to stay: a crash in between leaves nothing.

use std::{
    fs::{self, File},
    io, process,
    sync::atomic::{AtomicU32, Ordering},
};

use nix::{
    errno::Errno,
    sys::stat::{Mode, SFlag, makedev, mknod},
};

use crate::{
    error::{At, Error, Failure, Result},
    ioctl::{tun_set, tun_set_interface},
    link_change,
    link_kind::{
        Options,
        tun::{self, Mode as Kind},
    },
    netns,
    request::{LinkAdd, LinkSet, Master},
    socket::Socket,
};

const OP: &str = "link.add";
const DEVICE: &str = "/dev/net/tun";
/// Its number (Documentation/admin-guide/devices.txt).
const MAJOR: u64 = 10;
const MINOR: u64 = 200;
/// How often a device file of our own was needed.
static OPENED: AtomicU32 = AtomicU32::new(0);
/// `IFF_TUN` or `IFF_TAP`, no header before each packet (`IFF_NO_PI`), and refuse a name that is taken (`IFF_TUN_EXCL`):
/// otherwise the kernel would hand us a tap of somebody else.
const TUN: u16 = 0x9001;
const TAP: u16 = 0x9002;

/// Makes the link in the namespace of `socket`; `EEXIST` when the name is taken.
pub(crate) fn add(socket: &mut Socket, wanted: &LinkAdd, options: Option<&Options>) -> Result<()> {
    let name = &wanted.name;
    let refuse = |reason: &str| Err(Error::invalid(OP, name.as_str(), reason));
    // The kernel would choose a name for "", and fill in a number for "%d".
    if name.is_empty() || name.contains(['%', '/', '\0']) {
        return refuse("not a name of a link");
    }
    let Some(Options::Tun(
        options @ tun::Options {
            mode: Some(mode), ..
        },
    )) = options
    else {
        return refuse("it needs a mode, tap or tun");
    };
    let device = open(socket, name, *mode).at(OP, name)?;
    for (request, value) in [
        (libc::TUNSETOWNER, options.owner),
        (libc::TUNSETGROUP, options.owner_group),
    ] {
        if let Some(value) = value {
            tun_set(&device, request, value).at(OP, name)?;
        }
    }
    let marked = LinkSet {
        up: wanted.up.then_some(true),
        mtu: wanted.mtu,
        mac: wanted.mac.clone(),
        master: wanted
            .master
            .clone()
            .map_or(Master::Unchanged, Master::Join),
        group: Some(wanted.group),
        alias: wanted.alias.clone(),
        ..LinkSet::unchanged(name)
    };
    link_change::set(socket, &marked).map_err(|error| Error { op: OP, ..error })?;
    tun_set(&device, libc::TUNSETPERSIST, 1).at(OP, name)
}

fn open(socket: &Socket, name: &str, kind: Kind) -> Result<File, Failure> {
    let flags = match kind {
        Kind::Tap => TAP,
        Kind::Tun => TUN,
    };
    // The link is made in the namespace where the device file was opened.
    netns::within(socket.namespace()?, || {
        let device = open_device().map_err(|failure| {
            let text = format!("{DEVICE} (module tun): {}", failure.errno.desc());
            Failure {
                text: Some(text),
                ..failure
            }
        })?;
        tun_set_interface(&device, name, flags).map_err(|errno| match errno {
            Errno::EBUSY => Errno::EEXIST,
            other => other,
        })?;
        Ok(device)
    })
}

/// Where the module is not loaded yet there may be no device file, and opening one is what loads it.
fn open_device() -> Result<File, Failure> {
    let open = |path: &str| File::options().read(true).write(true).open(path);
    match open(DEVICE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Another thread may be here too.
            let count = OPENED.fetch_add(1, Ordering::Relaxed);
            let ours = format!("/dev/.netloom-tun-{}-{count}", process::id());
            let mode = Mode::S_IRUSR | Mode::S_IWUSR;
            let made = mknod(ours.as_str(), SFlag::S_IFCHR, mode, makedev(MAJOR, MINOR));
            match made {
                // Left by a process of the same number that was killed here.
                Ok(()) | Err(Errno::EEXIST) => {}
                // Somebody who may not make one is told what is missing.
                Err(_) => return Err(error.into()),
            }
            let opened = open(&ours);
            let _ = fs::remove_file(&ours);
            Ok(opened?)
        }
        opened => Ok(opened?),
    }
}
