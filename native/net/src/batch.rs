//! Executing a list of requests in order. One that fails does not stop the others.

use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

use crate::{
    address, bridge_port, bridge_vlan,
    error::{Error, Result},
    fdb, link_add, link_change, neighbor,
    request::Request,
    route_change, rule_change,
    session::{Elsewhere, Session},
    socket::Socket,
};

/// What became of one request, and how many microseconds it took.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Outcome {
    Done {
        ok: bool,
        us: u64,
    },
    Failed {
        ok: bool,
        us: u64,
        #[serde(flatten)]
        first: Refusal,
        /// Every name that could not be deleted, when `link.del` was given several.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        failures: Vec<Refusal>,
    },
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Refusal {
    code: String,
    errno: i32,
    message: String,
    op: &'static str,
    target: String,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (code, errno) = (error.code(), error.errno as i32);
        Self {
            code,
            errno,
            message: error.reason,
            op: error.op,
            target: error.target,
        }
    }
}

/// Runs every request of a JSON array; `Err` only when it is not an array.
pub(crate) fn run(socket: &mut Socket, requests: &str) -> Result<Vec<Outcome>> {
    let requests: Vec<Value> = serde_json::from_str(requests)
        .map_err(|error| Error::invalid("batch", "requests", error.to_string()))?;
    Ok(run_all(socket, &mut Elsewhere::default(), requests))
}

/// Runs every request.
pub(crate) fn run_all(
    socket: &mut Socket,
    elsewhere: &mut Elsewhere,
    requests: Vec<Value>,
) -> Vec<Outcome> {
    let mut session = Session::new(socket, elsewhere);
    requests
        .into_iter()
        .map(|request| {
            let started = Instant::now();
            outcome(execute(&mut session, request), started)
        })
        .collect()
}

/// The outcome of what began at `started` and ends now.
pub(crate) fn outcome(errors: Vec<Error>, started: Instant) -> Outcome {
    let us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let failures: Vec<Refusal> = errors.into_iter().map(Refusal::from).collect();
    match failures.first() {
        None => Outcome::Done { ok: true, us },
        Some(first) => Outcome::Failed {
            ok: false,
            us,
            first: first.clone(),
            failures: if failures.len() > 1 {
                failures
            } else {
                Vec::new()
            },
        },
    }
}

fn execute(session: &mut Session<'_>, request: Value) -> Vec<Error> {
    let request = match serde_json::from_value(request) {
        Ok(request) => request,
        Err(error) => return vec![Error::invalid("batch", "request", error.to_string())],
    };
    let socket = &mut *session.here;
    let done = match request {
        Request::LinkDel(wanted) => return link_change::delete(socket, &wanted.names),
        Request::LinkAdd(wanted) => link_add::add(session, &wanted),
        Request::LinkSet(wanted) => link_change::set(socket, &wanted),
        Request::LinkRename(wanted) => link_change::rename(socket, &wanted.name, &wanted.to),
        Request::LinkPort(wanted) => bridge_port::set(socket, &wanted),
        Request::VlanAdd(wanted) => bridge_vlan::add(socket, &wanted),
        Request::VlanDel(wanted) => bridge_vlan::delete(socket, &wanted),
        Request::AddressAdd(wanted) => address::add(socket, &wanted),
        Request::AddressDel(wanted) => address::delete(socket, &wanted),
        Request::RouteAdd(wanted) => route_change::add(socket, &wanted),
        Request::RouteDel(wanted) => route_change::delete(socket, &wanted),
        Request::RuleAdd(wanted) => rule_change::add(socket, &wanted),
        Request::RuleDel(wanted) => rule_change::delete(socket, &wanted),
        Request::NeighborAdd(wanted) => neighbor::add(socket, &wanted),
        Request::NeighborDel(wanted) => neighbor::delete(socket, &wanted),
        Request::NeighborResolve(wanted) => neighbor::resolve(socket, &wanted),
        Request::FdbAdd(wanted) => fdb::add(socket, &wanted),
        Request::FdbDel(wanted) => fdb::delete(socket, &wanted),
    };
    done.err().into_iter().collect()
}
