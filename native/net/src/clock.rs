//! The machine's clock, as far as the kernel knows whether it is right.

use nix::errno::Errno;

use crate::error::{At, Result};

const OP: &str = "clock.synchronised";

/// True when a time server was heard and not lost since: the kernel's status word is without `STA_UNSYNC` (adjtimex(2)).
#[expect(unsafe_code, reason = "adjtimex has no safe wrapper")]
pub fn synchronised() -> Result<bool> {
    // SAFETY: `timex` is plain numbers, for which zero is a value; `modes` of zero asks and changes nothing.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a whole `timex` of our own, which lives until the call returns.
    let state = unsafe { libc::adjtimex(&raw mut timex) };
    Errno::result(state).at(OP, "adjtimex")?;
    Ok(timex.status & libc::STA_UNSYNC == 0)
}

#[cfg(test)]
mod tests {
    use super::synchronised;

    #[test]
    fn the_kernel_tells_and_is_not_changed_by_being_asked() {
        assert_eq!(synchronised().unwrap(), synchronised().unwrap());
    }
}
