//! Network namespaces: entering one on a throw-away thread, creating, deleting and listing named ones.
//!
//! `setns` changes one thread for ever, so it never happens on a thread that does anything else. Names are bind mounts in
//! `/run/netns`, made the way iproute2 makes them, so that `ip netns` sees ours and we see its.

use std::{
    fs::{self, File},
    os::{
        fd::AsFd,
        unix::fs::{MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg, OFlag, open},
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, setns, unshare},
    sys::{
        stat::Mode,
        statfs::{NSFS_MAGIC, statfs},
    },
};
use serde::Serialize;

use crate::{
    error::{At, Failure, Result},
    link, link_change,
    socket::Socket,
    sockets::json,
};

pub(crate) const DIRECTORY: &str = "/run/netns";

/// Mode of the files that namespaces are mounted on. `ip netns` gives them none; the sticky bit, which means nothing on a
/// file (inode(7)), says that one is ours: so [`sweep`] knows what an interrupted creation or deletion left.
const OURS: Mode = Mode::S_ISVTX;

/// A named network namespace.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Its name in `/run/netns`.
    pub name: String,
    /// The link group of its `lo`, our mark of ownership; `None` when it cannot be read or is not a namespace.
    pub group: Option<u32>,
    /// The inode of the namespace, which tells it from another one of the same name; 0 when the name is none.
    pub inode: u64,
}

/// Runs `work` on a new thread inside the namespace at `path`, or here without one.
pub(crate) fn inside<T: Send>(
    path: Option<&Path>,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    let Some(path) = path else { return work() };
    within(File::open(path)?, work)
}

/// Runs `work` on a new thread inside `namespace`.
pub(crate) fn within<T: Send>(
    namespace: impl AsFd + Send,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    on_thread(move || {
        setns(&namespace, CloneFlags::CLONE_NEWNET)?;
        work()
    })
}

/// Runs `work` on a new thread, which may then change its namespace, since it ends with `work`.
pub(crate) fn on_thread<T: Send>(
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("netloom-netns".into())
            .spawn_scoped(scope, work)?;
        thread
            .join()
            .unwrap_or_else(|_| Err(Failure::malformed("a namespace thread panicked")))
    })
}

/// Creates the namespace `name`. Its `lo` is up and carries `group` before the name becomes visible.
/// `EEXIST` when the name is taken.
pub fn create(name: &str, group: u32) -> Result<()> {
    create_with(name, group, || Ok(()))
}

/// [`create`], with what `inside` makes in the namespace before its name becomes visible.
pub(crate) fn create_with<T: Send>(
    name: &str,
    group: u32,
    inside: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T> {
    const OP: &str = "netns.create";
    let path = path_of(OP, name)?;
    let _lock = prepare_directory().at(OP, DIRECTORY)?;
    let flags = OFlag::O_RDONLY | OFlag::O_CREAT | OFlag::O_CLOEXEC;
    drop(open(&path, flags, OURS).at(OP, name)?);
    // A plain file is what a crash between its creation and the mount leaves, of `ip netns` too; it may be mounted over.
    if is_namespace(&path) {
        return Err(Errno::EEXIST).at(OP, name);
    }
    let made = on_thread(|| {
        unshare(CloneFlags::CLONE_NEWNET)?;
        let mut socket = Socket::open(netlink_sys::protocols::NETLINK_ROUTE)?;
        link_change::own_loopback(&mut socket, group)?;
        let made = inside()?;
        mount(
            Some("/proc/thread-self/ns/net"),
            &path,
            None::<&str>,
            MsFlags::MS_BIND,
            None::<&str>,
        )?;
        Ok(made)
    });
    if made.is_err() {
        // Best effort: the failure that is reported is the one that stopped us.
        let _ = fs::remove_file(&path);
    }
    made.at(OP, name)
}

/// Unmounts and unlinks the namespace `name`; `ENOENT` when there is none. The namespace itself ends when the last
/// process and socket inside it are gone.
pub fn delete(name: &str) -> Result<()> {
    const OP: &str = "netns.delete";
    let path = path_of(OP, name)?;
    let _lock = lock_directory().at(OP, name)?;
    match umount2(&path, MntFlags::MNT_DETACH) {
        // EINVAL: not a mount point, the plain file of an interrupted creation.
        Ok(()) | Err(Errno::EINVAL) => {}
        Err(errno) => return Err(errno).at(OP, name),
    }
    fs::remove_file(&path).at(OP, name)
}

/// Removes the names without a namespace that somebody left who was killed while he made or deleted one of ours: they would
/// stand in `ip netns list` for ever, and in the way of `ip netns add`. Others' are left alone.
pub fn sweep() -> Result<()> {
    const OP: &str = "netns.sweep";
    // Nobody of ours is in the middle of it while we have the lock.
    let _lock = match lock_directory() {
        Err(failure) if failure.errno == Errno::ENOENT => return Ok(()),
        lock => lock.at(OP, DIRECTORY)?,
    };
    for entry in fs::read_dir(DIRECTORY).at(OP, DIRECTORY)? {
        let path = entry.at(OP, DIRECTORY)?.path();
        // Of the mounted namespace, where there is one: that has permissions.
        let is_left = fs::metadata(&path)
            .is_ok_and(|found| found.is_file() && found.mode() & 0o7777 == OURS.bits());
        if is_left {
            fs::remove_file(&path).at(OP, path.to_string_lossy())?;
        }
    }
    Ok(())
}

/// Every name in `/run/netns` in order, with the group of its `lo`.
pub fn list() -> Result<Vec<Entry>> {
    const OP: &str = "netns.list";
    let entries = match fs::read_dir(DIRECTORY) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.at(OP, DIRECTORY)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(
            entry
                .at(OP, DIRECTORY)?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    names.sort_unstable();
    // One thread walks through all of them: a name costs a setns, a socket and one request.
    on_thread(|| {
        Ok(names
            .into_iter()
            .map(|name| Entry {
                group: loopback_group(&Path::new(DIRECTORY).join(&name)).ok(),
                inode: fs::metadata(Path::new(DIRECTORY).join(&name))
                    .map_or(0, |found| found.ino()),
                name,
            })
            .collect())
    })
    .at(OP, DIRECTORY)
}

/// [`list`] as a JSON array.
pub fn list_json() -> Result<String> {
    json("netns.list", DIRECTORY, &list()?)
}

fn loopback_group(path: &Path) -> Result<u32, Failure> {
    setns(File::open(path)?, CloneFlags::CLONE_NEWNET)?;
    let mut socket = Socket::open(netlink_sys::protocols::NETLINK_ROUTE)?;
    Ok(link::get_loopback(&mut socket)?.group)
}

/// `/run/netns`, a shared mount like iproute2's so that later mounts reach other mount namespaces, locked
/// against a second creator for as long as the result lives.
fn prepare_directory() -> Result<Flock<File>, Failure> {
    match fs::create_dir(DIRECTORY) {
        // Said again, because the daemon's umask is strict and `ip netns` must work for everyone.
        Ok(()) => fs::set_permissions(DIRECTORY, fs::Permissions::from_mode(0o755))?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.into()),
    }
    let lock = lock_directory()?;
    let share = || {
        let flags = MsFlags::MS_SHARED | MsFlags::MS_REC;
        mount(None::<&str>, DIRECTORY, None::<&str>, flags, None::<&str>)
    };
    if share() == Err(Errno::EINVAL) {
        let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
        mount(
            Some(DIRECTORY),
            DIRECTORY,
            None::<&str>,
            flags,
            None::<&str>,
        )?;
        share()?;
    }
    Ok(lock)
}

fn lock_directory() -> Result<Flock<File>, Failure> {
    Flock::lock(File::open(DIRECTORY)?, FlockArg::LockExclusive)
        .map_err(|(_, errno)| Failure::from(errno))
}

fn is_namespace(path: &Path) -> bool {
    statfs(path).is_ok_and(|found| found.filesystem_type() == NSFS_MAGIC)
}

pub(crate) fn path_of(op: &'static str, name: &str) -> Result<PathBuf> {
    if name.is_empty()
        || name.len() > 255
        || matches!(name, "." | "..")
        || name.contains(['/', '\0'])
    {
        return Err(crate::Error::invalid(
            op,
            name,
            "not a name that fits in /run/netns",
        ));
    }
    Ok(Path::new(DIRECTORY).join(name))
}
