//! Network namespaces as values: made, named, entered, deleted.
//!
//! ```
//! use netloom_net::{block_on, ns::{Netns, exec_netns}};
//!
//! # fn main() -> anyhow::Result<()> {
//! let current_ns = Netns::get()?;
//! let target_ns = Netns::new_named("my_namespace")?;
//! let inside = block_on(exec_netns(&current_ns, &target_ns, async { Netns::get() }))?;
//! assert_eq!(inside, target_ns);
//! assert_eq!(Netns::get()?, current_ns);
//! Netns::delete_named("my_namespace")?;
//! # Ok(())
//! # }
//! ```

use std::{
    fmt,
    fs::File,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use nix::{
    sched::{CloneFlags, setns, unshare},
    sys::{
        stat::fstat,
        statfs::{NSFS_MAGIC, fstatfs},
    },
};

use crate::{
    block_on::block_on,
    error::{At, Error, Failure, Result},
    link_change,
    netns::{self, DIRECTORY, on_thread},
    socket::Socket,
};

/// The calling thread's namespace; `/proc/self` would be that of the main thread.
const OWN: &str = "/proc/thread-self/ns/net";

/// A network namespace, kept alive by a descriptor for as long as the value lives.
///
/// Two are equal when they are the same namespace, however they were reached.
#[derive(Debug)]
pub struct Netns {
    fd: OwnedFd,
    path: Option<PathBuf>,
}

impl Netns {
    /// A new namespace without a name, its `lo` up. The calling thread stays where it is: the namespace is made on a thread of its
    /// own. It ends with the value, unless something else holds it.
    ///
    /// ```
    /// # use netloom_net::ns::Netns;
    /// let ns = Netns::new().expect("Failed to create network namespace");
    /// assert_ne!(ns, Netns::get()?);
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    pub fn new() -> anyhow::Result<Self> {
        let made = on_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            link_change::own_loopback(
                &mut Socket::open(netlink_sys::protocols::NETLINK_ROUTE)?,
                0,
            )?;
            Ok(File::open(OWN)?)
        });
        let fd = logged(made.at("netns.new", "unnamed"))?.into();
        Ok(Self { fd, path: None })
    }

    /// A new namespace that is bind-mounted as `/run/netns/NAME`, where `ip netns` sees it too; its `lo` is up. It stays until
    /// [`Netns::delete_named`]. `EEXIST` when the name is taken.
    pub fn new_named(name: &str) -> anyhow::Result<Self> {
        logged(netns::create(name, 0))?;
        Self::from_path(Path::new(DIRECTORY).join(name))
    }

    /// The namespace of the calling thread.
    pub fn get() -> anyhow::Result<Self> {
        let fd = logged(File::open(OWN).at("netns.get", OWN))?.into();
        Ok(Self { fd, path: None })
    }

    /// The namespace that is mounted at `path` (`/run/netns/NAME`, `/proc/PID/ns/net`); `EINVAL` when it is something else.
    pub fn from_path(path: impl Into<PathBuf>) -> anyhow::Result<Self> {
        const OP: &str = "netns.open";
        let path = path.into();
        let target = path.display().to_string();
        let file = logged(File::open(&path).at(OP, &target))?;
        if !fstatfs(&file).is_ok_and(|found| found.filesystem_type() == NSFS_MAGIC) {
            return logged(Err(Error::invalid(OP, target, "not a namespace")));
        }
        let fd = file.into();
        let path = Some(path);
        Ok(Self { fd, path })
    }

    /// Moves the calling thread into this namespace, for as long as that thread lives. Threads of a pool are shared by others, so
    /// they must not; [`exec_netns`] takes a thread of its own.
    pub fn set(&self) -> anyhow::Result<()> {
        logged(setns(self, CloneFlags::CLONE_NEWNET).at("netns.set", self.to_string()))
    }

    /// Removes `/run/netns/NAME`; `ENOENT` when there is none. The namespace ends when nothing holds it any more.
    pub fn delete_named(name: &str) -> anyhow::Result<()> {
        logged(netns::delete(name))
    }

    /// Where it is mounted, when it has a name.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// A second descriptor of the same namespace.
    pub fn try_clone(&self) -> anyhow::Result<Self> {
        let fd = logged(self.fd.try_clone().at("netns.clone", self.to_string()))?;
        let path = self.path.clone();
        Ok(Self { fd, path })
    }

    /// A path by which every process of this user finds the namespace while the value lives: its name, or our descriptor.
    pub(crate) fn reachable(&self) -> String {
        self.path.as_ref().map_or_else(
            || format!("/proc/{}/fd/{}", std::process::id(), self.fd.as_raw_fd()),
            |path| path.display().to_string(),
        )
    }

    /// Runs `work` inside, on a thread made for it.
    pub(crate) fn inside<T: Send>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        on_thread(|| {
            setns(self, CloneFlags::CLONE_NEWNET)?;
            work()
        })
    }

    /// Its device and inode numbers: two descriptors with the same ones are the same namespace.
    fn identity(&self) -> Option<(u64, u64)> {
        fstat(self).ok().map(|found| (found.st_dev, found.st_ino))
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<OwnedFd> for Netns {
    /// A namespace whose descriptor came from elsewhere; what is none is noticed when it is entered.
    fn from(fd: OwnedFd) -> Self {
        Self { fd, path: None }
    }
}

impl PartialEq for Netns {
    fn eq(&self, other: &Self) -> bool {
        let identity = self.identity();
        identity.is_some() && identity == other.identity()
    }
}

impl fmt::Display for Netns {
    /// Its path, or the kernel's name for it (`net:[4026531840]`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.path, self.identity()) {
            (Some(path), _) => write!(f, "{}", path.display()),
            (None, Some((_, inode))) => write!(f, "net:[{inode}]"),
            (None, None) => f.write_str("a namespace"),
        }
    }
}

/// Runs `work` inside `target`, on a thread made for it that goes back to `current` when it is done.
///
/// The calling thread waits and stays where it is. Sockets that `work` opens belong to `target` for ever and may be taken out. A
/// future that needs the reactor of an executor does not find it there.
///
/// ```
/// # use netloom_net::{block_on, ns::{Netns, exec_netns}};
/// # block_on(async {
/// # let (current_ns, target_ns) = (Netns::get()?, Netns::new()?);
/// let result = exec_netns(&current_ns, &target_ns, async {
///     // Execute operations in target_ns
///     Ok(())
/// }).await;
/// # result
/// # }).unwrap();
/// ```
#[expect(
    clippy::unused_async,
    reason = "awaited by callers as seed 004 documents it"
)]
pub async fn exec_netns<T, F>(current: &Netns, target: &Netns, work: F) -> anyhow::Result<T>
where
    T: Send,
    F: Future<Output = anyhow::Result<T>> + Send,
{
    let done = on_thread(|| {
        Ok(target.set().and_then(|()| {
            let done = block_on(work);
            // What the thread still does at its end, it does where it came from.
            current.set()?;
            done
        }))
    });
    logged(done.at("netns.exec", target.to_string()))?
}

/// Makes the error of this crate one of `anyhow` (it can be had back by `downcast_ref`), and logs it.
pub(crate) fn logged<T>(done: Result<T>) -> anyhow::Result<T> {
    done.map_err(|error| {
        log::error!("{error}");
        error.into()
    })
}
