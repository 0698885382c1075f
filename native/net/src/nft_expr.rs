//! Rules in the words of libnftables-json(5), and what the kernel is told for them.
//!
//! Written by hand: no crate of the netlink-packet family knows `nf_tables`, the crate `nftables` only starts `nft`, and
//! `rustables` and libnftables are under the GPL. It knows what Netloom's planners write; a table with anything else is refused
//! whole, and its caller leaves it to `nft`. The result is what `nft` itself sends, so that `nft list ruleset` reads it back.

pub(crate) mod datatype;
pub(crate) mod field;
pub(crate) mod json;
mod nat;
pub(crate) mod rule;
pub(crate) mod set;
mod statement;
pub(crate) mod wire;

/// What is not known here: `expression "tproxy"`.
#[derive(Debug)]
pub(crate) struct Unsupported(pub(crate) String);

/// Refuses what is not known.
pub(crate) fn unsupported<T>(what: impl Into<String>) -> Result<T, Unsupported> {
    Err(Unsupported(what.into()))
}
