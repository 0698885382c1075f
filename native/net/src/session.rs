//! The route sockets that one batch works with.

use std::{collections::HashMap, path::Path};

use netlink_sys::protocols::NETLINK_ROUTE;

use crate::{
    error::{At, Result},
    netns,
    socket::Socket,
};

/// The socket of the batch, and sockets in other namespaces that its requests name, opened when first needed.
pub(crate) struct Session<'a> {
    pub(crate) here: &'a mut Socket,
    elsewhere: HashMap<String, Socket>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(here: &'a mut Socket) -> Self {
        Self {
            here,
            elsewhere: HashMap::new(),
        }
    }

    /// A socket in the namespace at `path`, or the batch's own.
    pub(crate) fn at(&mut self, path: Option<&str>) -> Result<&mut Socket> {
        let Some(path) = path else {
            return Ok(self.here);
        };
        if !self.elsewhere.contains_key(path) {
            let opened = netns::inside(Some(Path::new(path)), || Socket::open(NETLINK_ROUTE));
            let mut opened = opened.at("netlink.open", path)?;
            opened.count_by(self.here.counter());
            self.elsewhere.insert(path.to_owned(), opened);
        }
        Ok(self.elsewhere.get_mut(path).unwrap_or(self.here))
    }
}
