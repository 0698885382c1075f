//! Guest agent of the lab harness. It is laid into a guest by an extra initramfs and is no part of the shipped image.
//!
//! It speaks lines of JSON over the virtio-serial port `org.netloom.agent.0`, so that a test can talk to a guest
//! whose network is down and whose daemon is dead. Started as process 1 it is the probe of an accelerator instead.

mod exec;
mod files;
mod lines;
mod port;
mod probe;
mod protocol;
mod session;

use std::process::ExitCode;

#[expect(
    clippy::print_stderr,
    reason = "the supervisor of the guest logs standard error"
)]
fn main() -> ExitCode {
    if std::process::id() == 1 {
        return probe::run();
    }
    match port::open() {
        Ok(port) => {
            let error = serve(&port);
            let path = port.path.display();
            eprintln!("netloom-agent: the port {path} failed: {error}");
        }
        Err(error) => eprintln!("netloom-agent: {error}"),
    }
    ExitCode::FAILURE
}

/// Serves one host after the other. A read of nothing means that the host went away; the next write blocks until one is
/// back (`drivers/char/virtio_console.c`, `will_write_block`), and the first write of a session is its greeting.
fn serve(port: &port::Port) -> std::io::Error {
    loop {
        let (input, output) = match (port.file.try_clone(), port.file.try_clone()) {
            (Ok(input), Ok(output)) => (input, output),
            (Err(error), _) | (_, Err(error)) => return error,
        };
        if let Err(error) = session::run(input, output) {
            return error;
        }
    }
}
