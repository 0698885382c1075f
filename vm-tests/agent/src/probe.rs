//! The one-second guest that proves an accelerator: the agent alone in an initramfs, as process 1.

use std::process::ExitCode;

use nix::sys::reboot::{RebootMode, reboot};

/// Prints the token of the kernel command line (an unknown `NAME=value` word reaches process 1 as its environment) on
/// the console and powers off. The host believes in an accelerator only when it reads its own token there.
#[expect(
    clippy::print_stdout,
    reason = "standard output of process 1 is the console"
)]
pub(crate) fn run() -> ExitCode {
    let token = std::env::var("NETLOOM_PROBE").unwrap_or_default();
    println!("netloom-probe {token}");
    // It returns on failure only, and then the kernel panics for want of process 1, which the host sees too.
    let _ = reboot(RebootMode::RB_POWER_OFF);
    ExitCode::FAILURE
}
