//! Limits of this process.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::error::{At, Result};

const OP: &str = "limits.descriptors";
/// Three sockets for each of 20,000 namespaces.
const PLENTY: u64 = 1 << 16;

/// How many descriptors this process may have open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    /// What holds now.
    pub soft: u64,
    /// How far the soft limit can be raised.
    pub hard: u64,
}

/// Raises the number of descriptors that we may open: to the hard limit, and that to 65,536 where we are allowed to.
pub fn raise_descriptors() -> Result<Descriptors> {
    const TARGET: &str = "RLIMIT_NOFILE";
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).at(OP, TARGET)?;
    let plenty = hard.max(PLENTY);
    if setrlimit(Resource::RLIMIT_NOFILE, plenty, plenty).is_err() {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).at(OP, TARGET)?;
    }
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).at(OP, TARGET)?;
    Ok(Descriptors { soft, hard })
}

#[cfg(test)]
mod tests {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    use super::{Descriptors, raise_descriptors};

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, hard - 1, hard).unwrap();
        let Descriptors { soft, hard: now } = raise_descriptors().unwrap();
        assert_eq!(soft, now);
        assert!(now >= hard);
    }
}
