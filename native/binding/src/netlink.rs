//! `class NetlinkSocket`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::bindgen_prelude::{AsyncTask, ClassInstance, Either, ToNapiValue, TypeName};
use napi_derive::napi;
use netloom_net::{Error, Result, Sockets, batch_across, counters};

use crate::job::{Job, job};

/// Why a call failed.
#[napi(object)]
pub struct Refusal {
    /// Name of the errno (`ENOENT`).
    pub code: String,
    /// Its number.
    pub errno: i32,
    /// What was attempted.
    pub op: String,
    /// On which object.
    pub target: String,
    /// All of it in one sentence.
    pub message: String,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            code: error.code(),
            errno: error.errno as i32,
            message: error.to_string(),
            op: error.op.to_owned(),
            target: error.target,
        }
    }
}

/// Messages sent to the kernel.
#[napi(object)]
pub struct Requests {
    /// Those that may change something.
    pub changes: i64,
    /// Dumps, and questions for one object. A dump that is torn and repeated counts again.
    pub reads: i64,
}

impl From<counters::Requests> for Requests {
    fn from(counters::Requests { changes, reads }: counters::Requests) -> Self {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            changes: number(changes),
            reads: number(reads),
        }
    }
}

/// All that this process has sent to the kernel, by sockets that are closed too.
#[napi(catch_unwind)]
pub fn requests_of_process() -> Requests {
    counters::of_this_process().into()
}

/// Netlink sockets inside one network namespace. They keep the namespace alive until `close`.
#[napi]
pub struct NetlinkSocket {
    sockets: Mutex<Option<Arc<Sockets>>>,
}

#[napi]
impl NetlinkSocket {
    /// Opens the sockets in the namespace at `netnsPath`, or in the process's own.
    #[napi(ts_return_type = "Promise<NetlinkSocket>", catch_unwind)]
    pub fn open(netns_path: Option<String>) -> AsyncTask<Job<NetlinkSocket>> {
        job(move || {
            let sockets = Sockets::open(netns_path.as_deref())?;
            Ok(NetlinkSocket {
                sockets: Mutex::new(Some(Arc::new(sockets))),
            })
        })
    }

    /// Creates the namespace `/run/netns/NAME` as `netnsCreate` does, and opens the sockets in it.
    #[napi(ts_return_type = "Promise<NetlinkSocket>", catch_unwind)]
    pub fn create(name: String, group: u32) -> AsyncTask<Job<NetlinkSocket>> {
        job(move || {
            let sockets = Sockets::create(&name, group)?;
            Ok(NetlinkSocket {
                sockets: Mutex::new(Some(Arc::new(sockets))),
            })
        })
    }

    /// `open` for many namespaces in one call. One socket each, or why there is none, in the same order.
    #[napi(
        ts_return_type = "Promise<Array<NetlinkSocket | Refusal>>",
        catch_unwind
    )]
    pub fn open_many(paths: Vec<String>) -> AsyncTask<Job<Vec<Either<NetlinkSocket, Refusal>>>> {
        let answer = |opened: Result<Sockets>| match opened {
            Ok(sockets) => Either::A(NetlinkSocket {
                sockets: Mutex::new(Some(Arc::new(sockets))),
            }),
            Err(error) => Either::B(Refusal::from(error)),
        };
        job(move || {
            Ok(Sockets::open_many(&paths)?
                .into_iter()
                .map(answer)
                .collect())
        })
    }

    /// Closes all sockets as soon as the calls that are under way are done. Later calls fail with `EBADF`.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.slot().take();
    }

    /// What was sent by these sockets until now; zeros when they are closed.
    #[napi(catch_unwind)]
    pub fn requests(&self) -> Requests {
        let sockets = self.slot().clone();
        let counted = sockets.map(|sockets| sockets.requests());
        counted.unwrap_or_default().into()
    }

    /// `what`: JSON array of `links`, `addresses`, `routes`, `rules`, `neighbors`, `fdb`, `vlans`, `forwarding`, `nft`. Answers with a JSON object that has those keys.
    #[napi(ts_return_type = "Promise<string>", catch_unwind)]
    pub fn dump(&self, what: String) -> AsyncTask<Job<String>> {
        self.run(move |sockets| sockets.dump(&what))
    }

    /// `requests`: JSON array of requests. Answers with a JSON array of outcomes in the same order.
    #[napi(ts_return_type = "Promise<string>", catch_unwind)]
    pub fn batch(&self, requests: String) -> AsyncTask<Job<String>> {
        self.run(move |sockets| sockets.batch(&requests))
    }

    /// `batch` in several namespaces, one after the other. `sockets` has a socket for each share, or null where it is to be done at
    /// its `path`, with a socket for this call only. `shares`: JSON array of `{path, requests}`. Answers with a JSON array: the outcomes
    /// of each share, or a refusal when its namespace could not be entered.
    #[napi(ts_return_type = "Promise<string>", catch_unwind)]
    pub fn batch_across(
        #[napi(ts_arg_type = "Array<NetlinkSocket | null>")] sockets: Vec<
            Option<ClassInstance<'_, NetlinkSocket>>,
        >,
        shares: String,
    ) -> AsyncTask<Job<String>> {
        let sockets: Result<Vec<_>> = sockets
            .into_iter()
            .map(|one| {
                one.map(|one| one.slot().clone().ok_or_else(Error::closed))
                    .transpose()
            })
            .collect();
        job(move || batch_across(&sockets?, &shares))
    }

    /// The WireGuard device `name` as a JSON object, without private keys.
    #[napi(ts_return_type = "Promise<string>", catch_unwind)]
    pub fn wireguard_get(&self, name: String) -> AsyncTask<Job<String>> {
        self.run(move |sockets| sockets.wireguard_get(&name))
    }

    /// What the drivers of links say about carrier, speed and duplex, as a JSON array.
    #[napi(ts_return_type = "Promise<string>", catch_unwind)]
    pub fn link_states(&self) -> AsyncTask<Job<String>> {
        self.run(Sockets::link_states)
    }

    /// Changes what the JSON object `config` mentions of the WireGuard device `name`, and nothing else.
    #[napi(ts_return_type = "Promise<void>", catch_unwind)]
    pub fn wireguard_set(&self, name: String, config: String) -> AsyncTask<Job<()>> {
        self.run(move |sockets| sockets.wireguard_set(&name, &config))
    }

    /// Generation and base chains of nftables as a JSON object, ours and others'.
    #[napi(ts_return_type = "Promise<string>", catch_unwind)]
    pub fn nft_chains(&self) -> AsyncTask<Job<String>> {
        self.run(Sockets::nft_chains)
    }

    /// Puts an nftables table in the place of the one of that name, in one transaction; `nft` is not executed. `spec`: JSON object with
    /// `family`, `table`, `comment` and `objects` (libnftables-json(5)). Answers as `nftContent` does;
    /// `EOPNOTSUPP`, and nothing changed, for what only `nft` can load.
    #[napi(ts_return_type = "Promise<string>", catch_unwind)]
    pub fn nft_load(&self, spec: String) -> AsyncTask<Job<String>> {
        self.run(move |sockets| sockets.nft_load(&spec))
    }

    /// A JSON object with the generation of the ruleset, and as `content` a word for all that an nftables table holds but what packets
    /// count; null when it could not be looked at in time.
    #[napi(ts_return_type = "Promise<string>", catch_unwind)]
    pub fn nft_content(&self, family: String, table: String) -> AsyncTask<Job<String>> {
        self.run(move |sockets| sockets.nft_content(&family, &table))
    }

    /// Removes an nftables table, if there is one. Answers with the generation after that.
    #[napi(ts_return_type = "Promise<number>", catch_unwind)]
    pub fn nft_delete(&self, family: String, table: String) -> AsyncTask<Job<u32>> {
        self.run(move |sockets| sockets.nft_delete(&family, &table))
    }

    /// Generation and tables of nftables as a JSON object; `nft` is not executed.
    #[napi(ts_return_type = "Promise<string>", catch_unwind)]
    pub fn nft_tables(&self) -> AsyncTask<Job<String>> {
        self.run(Sockets::nft_tables)
    }

    fn run<T: Send + ToNapiValue + TypeName + 'static>(
        &self,
        call: impl FnOnce(&Sockets) -> Result<T> + Send + 'static,
    ) -> AsyncTask<Job<T>> {
        let sockets = self.slot().clone();
        job(move || call(sockets.as_deref().ok_or_else(Error::closed)?))
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<Sockets>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
