//! The sockets of one network namespace, and the calls on them.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use netlink_sys::protocols::NETLINK_ROUTE;
use serde::Serialize;

use crate::{
    address::{self, Address},
    batch,
    error::{At, Error, Failure, Result},
    link::{self, Link},
    netns,
    route::{self, Route},
    socket::Socket,
};

/// Open sockets of one network namespace. They keep the namespace alive: drop them before it is deleted.
#[derive(Debug)]
pub struct Sockets {
    /// Where they were opened, for error messages.
    place: String,
    route: Mutex<Socket>,
}

/// What [`Sockets::dump`] was asked for.
#[derive(Debug, Default, Serialize)]
struct Tables {
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<Vec<Link>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<Vec<Address>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    routes: Option<Vec<Route>>,
}

impl Sockets {
    /// Opens the sockets inside the namespace at `path`, or in the process's own.
    pub fn open(path: Option<&str>) -> Result<Self> {
        let place = path.unwrap_or("this namespace").to_owned();
        let route = netns::inside(path.map(Path::new), || Socket::open(NETLINK_ROUTE))
            .at("netlink.open", &place)?;
        Ok(Self {
            place,
            route: Mutex::new(route),
        })
    }

    /// The tables named in the JSON array `what` (`links`, `addresses`, `routes`), as one JSON object.
    pub fn dump(&self, what: &str) -> Result<String> {
        const OP: &str = "netlink.dump";
        let wanted: Vec<String> = serde_json::from_str(what)
            .map_err(|error| Error::invalid(OP, what, error.to_string()))?;
        let mut socket = lock(&self.route);
        let mut tables = Tables::default();
        for name in wanted {
            let target = || format!("{name} of {}", self.place);
            match name.as_str() {
                "links" => tables.links = Some(link::dump(&mut socket).at(OP, target())?),
                "addresses" => {
                    tables.addresses = Some(address::dump(&mut socket).at(OP, target())?)
                }
                "routes" => tables.routes = Some(route::dump(&mut socket).at(OP, target())?),
                _ => {
                    return Err(Error::invalid(
                        OP,
                        name,
                        "not one of links, addresses, routes",
                    ));
                }
            }
        }
        json(OP, &self.place, &tables)
    }

    /// Executes a JSON array of requests in order and answers with a JSON array of outcomes.
    pub fn batch(&self, requests: &str) -> Result<String> {
        let outcomes = batch::run(&mut lock(&self.route), requests)?;
        json("batch", &self.place, &outcomes)
    }
}

/// A socket is usable after a panic in another call: answers are matched by sequence number.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// JSON text; cannot fail for the types of this crate, but the signature of serde says so.
pub(crate) fn json(op: &'static str, target: &str, value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Failure::malformed(&error.to_string()))
        .at(op, target)
}
