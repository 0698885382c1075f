//! Guest agent of the lab harness. It is laid into a guest by an extra initramfs and is no part of the shipped image.
//!
//! It speaks lines of JSON over the virtio-serial port `org.netloom.agent.0`, so that a test can talk to a guest
//! whose network is down and whose daemon is dead. Started as process 1 it is the probe of an accelerator instead.

mod clock;
mod exec;
mod files;
mod identity;
mod jobs;
mod lines;
mod port;
mod probe;
mod protocol;
mod pty;
mod session;

use std::process::ExitCode;

use protocol::Stage;
use session::End;

#[expect(
    clippy::print_stderr,
    reason = "the supervisor of the guest logs standard error"
)]
fn main() -> ExitCode {
    if std::process::id() == 1 {
        return probe::run();
    }
    // The first program of the guest's own boot, rather than one of its services.
    let stage = match std::env::args().nth(1).as_deref() {
        Some("early") => Stage::Early,
        _ => Stage::Up,
    };
    tell_everything();
    match port::open() {
        Ok(port) => {
            let Err(error) = serve(&port, stage) else {
                return ExitCode::SUCCESS;
            };
            let path = port.path.display();
            eprintln!("netloom-agent: the port {path} failed: {error}");
        }
        Err(error) => eprintln!("netloom-agent: {error}"),
    }
    ExitCode::FAILURE
}

/// All kernel lines but those for debugging reach the console from now on: a lab judges them. That a program hit a
/// segmentation fault is but information to the kernel (`show_signal_msg` in arch/x86/mm/fault.c). A kernel without printk
/// has nothing to say.
fn tell_everything() {
    let _ = std::fs::write("/proc/sys/kernel/printk", "7");
}

/// Serves one host after the other. A read of nothing means that the host went away; the next write blocks until one is
/// back (`drivers/char/virtio_console.c`, `will_write_block`), and the first write of a session is its greeting.
/// Returns when a host releases the guest from its early stage.
fn serve(port: &port::Port, stage: Stage) -> std::io::Result<()> {
    loop {
        let (input, output) = (port.file.try_clone()?, port.file.try_clone()?);
        if session::run(input, output, stage)? == End::Released {
            return Ok(());
        }
    }
}
