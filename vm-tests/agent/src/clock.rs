//! The wall clock of the guest, moved as a wrong time server or a changed battery would.

use std::io;
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime, clock_settime};

/// Moves the clock by seconds, back when they are negative. Gives what it said before and after, in seconds since 1970.
pub(crate) fn jump(seconds: f64) -> io::Result<(f64, f64)> {
    let before = Duration::from(clock_gettime(ClockId::CLOCK_REALTIME)?).as_secs_f64();
    let after = before + seconds;
    let time = Duration::try_from_secs_f64(after).map_err(io::Error::other)?;
    clock_settime(ClockId::CLOCK_REALTIME, TimeSpec::from_duration(time))?;
    Ok((before, after))
}
