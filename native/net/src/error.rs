//! One error for everything the kernel or a caller can get wrong.

use nix::errno::Errno;

/// What was attempted, on which object, and why it failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{op} {target}: {reason} ({errno:?})")]
pub struct Error {
    /// The deed, in the words of the API (`link.add`, `netns.create`).
    pub op: &'static str,
    /// The object it was done to (`br0`, `/run/netns/n1`).
    pub target: String,
    /// The kernel's errno, or `EINVAL` for a request that never reached it.
    pub errno: Errno,
    /// The kernel's extended acknowledgement when it gave one, else the errno's text.
    pub reason: String,
}

/// Result of an operation that names its object.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A request that is refused before it reaches the kernel.
    pub fn invalid(op: &'static str, target: impl Into<String>, reason: impl Into<String>) -> Self {
        Failure {
            errno: Errno::EINVAL,
            text: Some(reason.into()),
        }
        .at(op, target)
    }

    /// A call on sockets that were closed.
    pub fn closed() -> Self {
        let text = Some("the socket is closed".to_owned());
        Failure {
            errno: Errno::EBADF,
            text,
        }
        .at("netlink", "socket")
    }

    /// The errno's name, as Node spells it in `error.code`.
    pub fn code(&self) -> String {
        format!("{:?}", self.errno)
    }
}

/// A kernel refusal that does not know yet which operation it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// The kernel's errno.
    pub(crate) errno: Errno,
    /// Extended acknowledgement text, when there is one.
    pub(crate) text: Option<String>,
}

impl Failure {
    /// Names the operation and its object.
    pub(crate) fn at(self, op: &'static str, target: impl Into<String>) -> Error {
        let reason = self.text.unwrap_or_else(|| self.errno.desc().to_owned());
        Error {
            op,
            target: target.into(),
            errno: self.errno,
            reason,
        }
    }

    /// The kernel answered with something that is not what was asked for.
    pub(crate) fn malformed(what: &str) -> Self {
        Self {
            errno: Errno::EBADMSG,
            text: Some(format!("unreadable kernel answer: {what}")),
        }
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self { errno, text: None }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        error.raw_os_error().map_or_else(
            || Self {
                errno: Errno::EIO,
                text: Some(error.to_string()),
            },
            |raw| Errno::from_raw(raw).into(),
        )
    }
}

/// Names the operation and its object on the error path of any system call.
pub(crate) trait At<T> {
    fn at(self, op: &'static str, target: impl Into<String>) -> Result<T>;
}

impl<T, E: Into<Failure>> At<T> for std::result::Result<T, E> {
    fn at(self, op: &'static str, target: impl Into<String>) -> Result<T> {
        self.map_err(|error| error.into().at(op, target))
    }
}
