//! A terminal for a program, so that a shell in a guest is as any other.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::libc;
use nix::pty::{Winsize, openpty};
use nix::unistd::setsid;

use crate::protocol::Size;

mod control {
    nix::ioctl_write_ptr_bad!(set_size, nix::libc::TIOCSWINSZ, nix::pty::Winsize);
    nix::ioctl_write_int_bad!(take, nix::libc::TIOCSCTTY);
}

/// The side of a pseudo-terminal that a person would sit at, pty(7).
pub(crate) struct Terminal(OwnedFd);

impl Terminal {
    /// Gives a program that is about to start a new terminal as its input, output and controlling terminal.
    pub(crate) fn attach(command: &mut Command, size: Size) -> io::Result<Self> {
        let pair = openpty(&window(size), None)?;
        command
            .stdin(Stdio::from(pair.slave.try_clone()?))
            .stdout(Stdio::from(pair.slave.try_clone()?))
            .stderr(Stdio::from(pair.slave));
        #[expect(
            unsafe_code,
            reason = "only the new process can make itself the leader of a session"
        )]
        // SAFETY: `lead_session` does two system calls without memory of ours, which is allowed between fork and exec
        // (signal-safety(7)).
        unsafe {
            command.pre_exec(lead_session);
        }
        Ok(Self(pair.master))
    }

    /// A second way to it, for reading or writing.
    pub(crate) fn file(&self) -> io::Result<File> {
        Ok(File::from(self.0.try_clone()?))
    }

    /// The programs in it get SIGWINCH.
    pub(crate) fn resize(&self, size: Size) -> io::Result<()> {
        let window = window(size);
        #[expect(unsafe_code, reason = "an ioctl has no safe interface")]
        // SAFETY: the request reads one `winsize`, which lives for the whole call, and the descriptor is open.
        unsafe {
            control::set_size(self.0.as_raw_fd(), &raw const window)?;
        }
        Ok(())
    }
}

/// Makes the terminal that is standard input the controlling one of this process, which leads a session from now on.
fn lead_session() -> io::Result<()> {
    setsid()?;
    #[expect(unsafe_code, reason = "an ioctl has no safe interface")]
    // SAFETY: the request takes a number, not a pointer; a descriptor that is not open is an error.
    unsafe {
        control::take(libc::STDIN_FILENO, 0)?;
    }
    Ok(())
}

fn window(size: Size) -> Winsize {
    Winsize {
        ws_row: size.rows,
        ws_col: size.columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
