//! The route sockets that batches work with.

use std::{collections::HashMap, fs::File, path::Path};

use netlink_sys::protocols::NETLINK_ROUTE;
use nix::sched::{CloneFlags, setns};

use crate::{
    error::{At, Failure, Result},
    netns,
    socket::Socket,
};

/// Route sockets in other namespaces, by path, for as long as a call lasts.
#[derive(Default)]
pub(crate) struct Elsewhere(HashMap<String, Socket>);

impl Elsewhere {
    /// Opens sockets in all of them on one thread. What cannot be opened is told to whoever needs it.
    pub(crate) fn prepare<'a>(&mut self, paths: impl Iterator<Item = &'a str> + Send) {
        let enter = |path: &str| {
            setns(File::open(path)?, CloneFlags::CLONE_NEWNET)?;
            Socket::open(NETLINK_ROUTE)
        };
        let open = |path: &str| Some((path.to_owned(), enter(path).ok()?));
        let opened =
            netns::on_thread(|| Ok::<_, Failure>(paths.filter_map(open).collect::<Vec<_>>()));
        self.0.extend(opened.unwrap_or_default());
    }

    /// The socket in the namespace at `path`.
    pub(crate) fn at(&mut self, path: &str) -> Result<&mut Socket> {
        let socket = match self.0.remove(path) {
            Some(socket) => socket,
            None => netns::inside(Some(Path::new(path)), || Socket::open(NETLINK_ROUTE))
                .at("netlink.open", path)?,
        };
        Ok(self.0.entry(path.to_owned()).or_insert(socket))
    }
}

/// The socket of the batch, and sockets in other namespaces that its requests name, opened when first needed.
pub(crate) struct Session<'a> {
    pub(crate) here: &'a mut Socket,
    elsewhere: &'a mut Elsewhere,
}

impl<'a> Session<'a> {
    pub(crate) fn new(here: &'a mut Socket, elsewhere: &'a mut Elsewhere) -> Self {
        Self { here, elsewhere }
    }

    /// A socket in the namespace at `path`, or the batch's own.
    pub(crate) fn at(&mut self, path: Option<&str>) -> Result<&mut Socket> {
        let Some(path) = path else {
            return Ok(self.here);
        };
        let counter = self.here.counter().clone();
        let socket = self.elsewhere.at(path)?;
        socket.count_by(&counter);
        Ok(socket)
    }
}
