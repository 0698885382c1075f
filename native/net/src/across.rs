//! Batches of several namespaces in one call.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    batch::{self, Outcome, Refusal},
    error::{Error, Result},
    session::Elsewhere,
    socket::Socket,
    sockets::{Sockets, json},
};

const OP: &str = "batch.across";

/// What is to be done in one namespace.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Share {
    /// Where to open a socket for this share only; none when there is one already.
    path: Option<String>,
    requests: Vec<Value>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
    Outcomes(Vec<Outcome>),
    /// The namespace could not be entered, so nothing was done in it.
    Refused(Refusal),
}

/// Executes the shares of a JSON array of `{path, requests}` in order; `sockets` has one for each share, or none where its `path`
/// is to be entered. Answers with a JSON array: the outcomes of each share, or why there are none.
pub fn batch_across(sockets: &[Option<Arc<Sockets>>], shares: &str) -> Result<String> {
    let shares: Vec<Share> = serde_json::from_str(shares)
        .map_err(|error| Error::invalid(OP, "shares", error.to_string()))?;
    if shares.len() != sockets.len() {
        return Err(Error::invalid(OP, "shares", "one socket or none for each"));
    }
    // One thread walks through all of them, once.
    let mut elsewhere = Elsewhere::default();
    elsewhere.prepare(shares.iter().filter_map(|share| share.path.as_deref()));
    // A share's own socket must not be away while a request of it looks for the same place.
    let mut inside = Elsewhere::default();
    let answers: Vec<Answer> = shares
        .into_iter()
        .zip(sockets)
        .map(|(share, socket)| match socket {
            Some(socket) => {
                let run =
                    |route: &mut Socket| batch::run_all(route, &mut elsewhere, share.requests);
                Answer::Outcomes(socket.with_route(run))
            }
            None => match elsewhere.at(share.path.as_deref().unwrap_or_default()) {
                Ok(route) => Answer::Outcomes(batch::run_all(route, &mut inside, share.requests)),
                Err(error) => Answer::Refused(error.into()),
            },
        })
        .collect();
    json(OP, "many namespaces", &answers)
}
