//! Who is on the other end of a unix socket.

use std::os::fd::{BorrowedFd, RawFd};

use nix::{
    errno::Errno,
    sys::socket::{getsockopt, sockopt::PeerCredentials},
};

use crate::error::{At, Error, Result};

/// The process that connected, as it was then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Process id.
    pub pid: i32,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
}

/// `SO_PEERCRED` of the connected unix socket `fd`.
pub fn credentials(fd: RawFd) -> Result<Credentials> {
    const OP: &str = "socket.peer";
    if fd < 0 {
        return Err(Errno::EBADF).at(OP, format!("descriptor {fd}")) as Result<_, Error>;
    }
    #[expect(unsafe_code, reason = "Node names descriptors by number")]
    // SAFETY: only -1 is not a legal value; whether it is open and a socket is for getsockopt to say, and nothing keeps it.
    let socket = unsafe { BorrowedFd::borrow_raw(fd) };
    let found = getsockopt(&socket, PeerCredentials).at(OP, format!("descriptor {fd}"))?;
    Ok(Credentials {
        pid: found.pid(),
        uid: found.uid(),
        gid: found.gid(),
    })
}

#[cfg(test)]
mod tests {
    use std::os::{fd::AsRawFd, unix::net::UnixStream};

    #[test]
    fn says_who_we_are() {
        let (one, _other) = UnixStream::pair().unwrap();
        let found = super::credentials(one.as_raw_fd()).unwrap();
        assert_eq!(found.pid, i32::try_from(std::process::id()).unwrap());
    }

    #[test]
    fn refuses_what_is_not_a_socket() {
        assert_eq!(super::credentials(-1).unwrap_err().code(), "EBADF");
        let file = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(
            super::credentials(file.as_raw_fd()).unwrap_err().code(),
            "ENOTSOCK"
        );
    }
}
