//! Transactions on the tables of nftables.

use netlink_packet_core::NLM_F_CREATE;
use nix::errno::Errno;

use crate::{
    error::{At, Error, Failure, Result},
    nft::{self, NFT_MSG_NEWTABLE},
    nft_expr::wire::{Attribute, be32, text},
    socket::{Request, Socket, bytes},
};

// include/uapi/linux/netfilter/nfnetlink.h and nf_tables.h
const NFNL_MSG_BATCH_BEGIN: u16 = 16;
const NFNL_MSG_BATCH_END: u16 = 17;
const NFNL_BATCH_GENID: u16 = 1;
const NFT_MSG_DELTABLE: u16 = 10 << 8 | 2;
pub(crate) const NFPROTO_INET: u8 = 1;
/// Another transaction may come between our look at the generation and ours; then it is tried again, this often.
const ATTEMPTS: usize = 16;

/// A message of the transaction, and what to call it when it is refused.
pub(crate) struct Change {
    request: Request,
    what: String,
}

/// Removes a table; one that is not there is gone already. @returns the generation after that.
pub(crate) fn delete(socket: &mut Socket, family: &str, table: &str) -> Result<u32> {
    const OP: &str = "nft.delete";
    let target = format!("table {family} {table}");
    let Some(number) = nft::family_number(family) else {
        return Err(Error::invalid(OP, target, "no such family"));
    };
    commit(socket, &removal(number, table)).at(OP, target)
}

/// Deleting a table that is not there is an error, so it is made first.
pub(crate) fn removal(family: u8, table: &str) -> Vec<Change> {
    let name = || vec![text(1, table)];
    let what = || "the table".to_owned();
    vec![
        change(family, NFT_MSG_NEWTABLE, NLM_F_CREATE, &name(), what()),
        change(family, NFT_MSG_DELTABLE, 0, &name(), what()),
    ]
}

pub(crate) fn inet(kind: u16, attributes: &[Attribute], what: String) -> Change {
    change(NFPROTO_INET, kind, NLM_F_CREATE, attributes, what)
}

pub(crate) fn change(
    family: u8,
    kind: u16,
    flags: u16,
    attributes: &[Attribute],
    what: String,
) -> Change {
    // struct nfgenmsg
    let mut body = vec![family, 0, 0, 0];
    body.extend(bytes(&attributes));
    let request = Request { kind, flags, body };
    Change { request, what }
}

/// Sends the changes as one transaction on the generation that we know, so that we know the next one too.
pub(crate) fn commit(socket: &mut Socket, changes: &[Change]) -> std::result::Result<u32, Failure> {
    // struct nfgenmsg with the number of the subsystem, in network byte order
    let frame = |attributes: &[Attribute]| {
        let mut body = vec![0, 0, 0, 10];
        body.extend(bytes(&attributes));
        body
    };
    for _ in 0..ATTEMPTS {
        let generation = nft::get_generation(socket)?;
        let edge = |kind, body| Request {
            kind,
            flags: 0,
            body,
        };
        let begin = frame(&[be32(NFNL_BATCH_GENID, generation)]);
        let begin = edge(NFNL_MSG_BATCH_BEGIN, begin);
        let end = edge(NFNL_MSG_BATCH_END, frame(&[]));
        let inner = changes.iter().map(|change| &change.request);
        let all: Vec<_> = std::iter::once(&begin).chain(inner).chain([&end]).collect();
        match socket.transaction(&all) {
            // The kernel counts without 0.
            Ok(()) => return Ok(generation.wrapping_add(1).max(1)),
            Err((0, failure)) if failure.errno == Errno::ERESTART => {}
            Err((number, failure)) => {
                let change = number.checked_sub(1).and_then(|at| changes.get(at));
                let Some(Change { what, .. }) = change else {
                    return Err(failure);
                };
                let why = failure
                    .text
                    .unwrap_or_else(|| failure.errno.desc().to_owned());
                return Err(Failure {
                    errno: failure.errno,
                    text: Some(format!("{what}: {why}")),
                });
            }
        }
    }
    Err(Failure {
        errno: Errno::EAGAIN,
        text: Some(format!(
            "somebody else changed the ruleset before each of {ATTEMPTS} attempts"
        )),
    })
}
