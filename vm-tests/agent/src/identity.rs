//! Becoming one guest among several: names, and for a clone what it must not share with its siblings.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_settime};

use crate::protocol::{CloneIdentity, Identity};

const CMDLINE: &str = "/run/netloom-lab-cmdline";

/// Made by the host in a guest that it will save as a template.
const TEMPLATE: &str = "/run/netloom-lab-template";

/// RNDRESEEDCRNG of random(4), include/uapi/linux/random.h: draw a new key from the input pool now.
#[expect(unsafe_code, reason = "an ioctl has no safe interface")]
mod random {
    nix::ioctl_none!(reseed, b'R', 0x07);

    pub(super) fn draw_new_key(random: &impl std::os::fd::AsRawFd) -> nix::Result<i32> {
        // SAFETY: the request takes no argument, and the descriptor is open for the whole call.
        unsafe { reseed(random.as_raw_fd()) }
    }
}

/// True in a guest that is to have no identity, because clones of it each get one of their own.
pub(crate) fn is_template() -> bool {
    Path::new(TEMPLATE).exists()
}

/// Makes this guest the one that the host says. Before services start there is nothing yet that would have to be told.
pub(crate) fn take(identity: &Identity) -> io::Result<()> {
    fs::write("/etc/machine-id", format!("{}\n", identity.machine_id))?;
    fs::write("/etc/hostname", format!("{}\n", identity.hostname))?;
    nix::unistd::sethostname(&identity.hostname)?;
    identity.clone.as_ref().map_or(Ok(()), leave_template)
}

/// The kernel's memory is that of the template: its clock stood still, its random numbers would be those of every clone.
fn leave_template(clone: &CloneIdentity) -> io::Result<()> {
    let time = Duration::try_from_secs_f64(clone.time).map_err(io::Error::other)?;
    clock_settime(ClockId::CLOCK_REALTIME, TimeSpec::from_duration(time))?;
    let mut source = OpenOptions::new().write(true).open("/dev/urandom")?;
    source.write_all(&clone.seed.0)?;
    random::draw_new_key(&source)?;
    fs::remove_file(TEMPLATE)?;
    fs::write(CMDLINE, format!("{}\n", clone.cmdline))?;
    mount(
        Some(CMDLINE),
        "/proc/cmdline",
        None::<&str>,
        MsFlags::MS_BIND,
        None::<&str>,
    )?;
    find_nics()
}

/// The template let go of its NICs: a bus that finds one resets it, and only then it has the address of this guest.
/// In the order of their slots, as the kernel finds them when it boots: the first one found is eth0.
fn find_nics() -> io::Result<()> {
    let mut devices = fs::read_dir("/sys/bus/pci/devices")?
        .map(|entry| entry.map(|device| device.path()))
        .collect::<io::Result<Vec<_>>>()?;
    devices.sort();
    for device in devices {
        let class = fs::read_to_string(device.join("class"))?;
        // Base class 02: network controllers (PCI Code and ID Assignment Specification).
        if class.starts_with("0x02")
            && !device.join("driver").exists()
            && let Some(name) = device.file_name()
        {
            fs::write("/sys/bus/pci/drivers_probe", name.as_encoded_bytes())?;
        }
    }
    Ok(())
}
