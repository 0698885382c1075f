//! The sockets of one network namespace, and the calls on them.

use std::{
    fs::File,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use netlink_sys::protocols::{NETLINK_GENERIC, NETLINK_NETFILTER, NETLINK_ROUTE};
use nix::sched::{CloneFlags, setns};
use serde::Serialize;

use crate::{
    batch,
    counters::{Counter, Requests},
    dump,
    error::{At, Error, Failure, Result},
    ethtool,
    generic::Generic,
    netns, nft, nft_chain, nft_content, nft_load, nft_transaction,
    socket::Socket,
    wireguard, wireguard_set,
};

const OPEN: &str = "netlink.open";

/// Open sockets of one network namespace. They keep the namespace alive: drop them before it is deleted.
#[derive(Debug)]
pub struct Sockets {
    /// Where they were opened, for error messages.
    place: String,
    route: Mutex<Socket>,
    /// Opened with the first, since entering the namespace later could reach another one of the same name. A kernel
    /// without the protocol fails the calls that need it, not the opening.
    generic: Result<Mutex<Generic>, Failure>,
    netfilter: Result<Mutex<Socket>, Failure>,
    counter: Counter,
}

impl Sockets {
    /// Opens the sockets inside the namespace at `path`, or in the process's own.
    pub fn open(path: Option<&str>) -> Result<Self> {
        let place = path.unwrap_or("this namespace").to_owned();
        let opened = netns::inside(path.map(Path::new), Self::open_here).at(OPEN, &place)?;
        Ok(Self { place, ..opened })
    }

    /// Creates the namespace `name` as [`netns::create`] does, and opens the sockets in it on the way.
    pub fn create(name: &str, group: u32) -> Result<Self> {
        let opened = netns::create_with(name, group, Self::open_here)?;
        let place = format!("{}/{name}", netns::DIRECTORY);
        Ok(Self { place, ..opened })
    }

    /// [`Sockets::open`] for many namespaces, one after the other on one thread. One result each, in the same order.
    pub fn open_many(paths: &[String]) -> Result<Vec<Result<Self>>> {
        let open = |path: &String| {
            let entered = File::open(path)
                .map_err(Failure::from)
                .and_then(|namespace| {
                    setns(namespace, CloneFlags::CLONE_NEWNET)?;
                    Self::open_here()
                });
            let place = path.clone();
            entered
                .map(|opened| Self { place, ..opened })
                .at(OPEN, path)
        };
        netns::on_thread(|| Ok(paths.iter().map(open).collect())).at(OPEN, "many namespaces")
    }

    fn open_here() -> Result<Self, Failure> {
        let route = Socket::open(NETLINK_ROUTE)?;
        let counter = route.counter().clone();
        let counted = |mut socket: Socket| {
            socket.count_by(&counter);
            socket
        };
        let generic = Socket::open(NETLINK_GENERIC).map(counted);
        let netfilter = Socket::open(NETLINK_NETFILTER).map(counted);
        Ok(Self {
            place: String::new(),
            route: Mutex::new(route),
            generic: generic.map(Generic::new).map(Mutex::new),
            netfilter: netfilter.map(Mutex::new),
            counter,
        })
    }

    /// What was sent by these sockets. Does not wait for calls that are under way.
    pub fn requests(&self) -> Requests {
        self.counter.requests()
    }

    /// The tables named in the JSON array `what` (`links`, `addresses`, `routes`, `rules`, `neighbors`, `fdb`, `vlans`, `forwarding`, `nft`), as one JSON
    /// object.
    pub fn dump(&self, what: &str) -> Result<String> {
        const OP: &str = "netlink.dump";
        let ruleset = || nft::tables(&mut *self.netfilter(OP)?).at(OP, &self.place);
        let tables = dump::tables(&mut lock(&self.route), ruleset, &self.place, what)?;
        json(OP, &self.place, &tables)
    }

    /// Executes a JSON array of requests in order and answers with a JSON array of outcomes.
    pub fn batch(&self, requests: &str) -> Result<String> {
        let outcomes = batch::run(&mut lock(&self.route), requests)?;
        json("batch", &self.place, &outcomes)
    }

    /// What `work` makes of the route socket.
    pub(crate) fn with_route<T>(&self, work: impl FnOnce(&mut Socket) -> T) -> T {
        work(&mut lock(&self.route))
    }

    /// The WireGuard device `name` as a JSON object, without its private keys.
    pub fn wireguard_get(&self, name: &str) -> Result<String> {
        const OP: &str = "wireguard.get";
        let generic = self.generic.as_ref().map_err(Failure::clone).at(OP, name)?;
        json(
            OP,
            name,
            &wireguard::get(&mut lock(generic), name).at(OP, name)?,
        )
    }

    /// What the drivers of links say about carrier, speed and duplex, as a JSON array.
    pub fn link_states(&self) -> Result<String> {
        const OP: &str = "ethtool.get";
        let generic = self.generic.as_ref().map_err(Failure::clone);
        let mut generic = lock(generic.at(OP, &self.place)?);
        json(
            OP,
            &self.place,
            &ethtool::dump(&mut generic).at(OP, &self.place)?,
        )
    }

    /// Changes what the JSON object `config` mentions of the WireGuard device `name`.
    pub fn wireguard_set(&self, name: &str, config: &str) -> Result<()> {
        let generic = self
            .generic
            .as_ref()
            .map_err(Failure::clone)
            .at("wireguard.set", name)?;
        wireguard_set::set(&mut lock(generic), name, config)
    }

    /// Generation and base chains of nftables as a JSON object.
    pub fn nft_chains(&self) -> Result<String> {
        const OP: &str = "nft.chains";
        let chains = nft_chain::chains(&mut *self.netfilter(OP)?).at(OP, &self.place)?;
        json(OP, &self.place, &chains)
    }

    /// Puts the nftables table of the JSON object `spec` (`family`, `table`, `comment`, and `objects` of libnftables-json(5)) in the
    /// place of the one of that name, in one transaction, and answers as [`Sockets::nft_content`] does. `EOPNOTSUPP`, and
    /// nothing changed, for what only `nft` can load.
    pub fn nft_load(&self, spec: &str) -> Result<String> {
        const OP: &str = "nft.load";
        json(
            OP,
            &self.place,
            &nft_load::load(&mut *self.netfilter(OP)?, spec)?,
        )
    }

    /// A JSON object with the generation of the ruleset, and as `content` a word for all that an nftables table holds but what packets
    /// count: another word means that somebody changed it.
    pub fn nft_content(&self, family: &str, table: &str) -> Result<String> {
        const OP: &str = "nft.content";
        let target = format!("table {family} {table}");
        let number = nft::family_number(family)
            .ok_or_else(|| Error::invalid(OP, &target, "no such family"))?;
        let mut socket = self.netfilter(OP)?;
        let content = nft_content::content(&mut socket, number, table).at(OP, target)?;
        json(OP, &self.place, &content)
    }

    /// Removes an nftables table, if there is one, and answers with the generation after that.
    pub fn nft_delete(&self, family: &str, table: &str) -> Result<u32> {
        nft_transaction::delete(&mut *self.netfilter("nft.delete")?, family, table)
    }

    fn netfilter(&self, op: &'static str) -> Result<MutexGuard<'_, Socket>> {
        let socket = self.netfilter.as_ref().map_err(Failure::clone);
        Ok(lock(socket.at(op, &self.place)?))
    }

    /// Generation and tables of nftables as a JSON object.
    pub fn nft_tables(&self) -> Result<String> {
        const OP: &str = "nft.tables";
        let tables = nft::tables(&mut *self.netfilter(OP)?).at(OP, &self.place)?;
        json(OP, &self.place, &tables)
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
