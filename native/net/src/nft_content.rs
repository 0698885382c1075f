//! Whether a table is still what was loaded: one number for its chains, rules, sets and elements.
//!
//! The generation counts the transactions of everybody in a namespace. It says that something changed; this says whether that was ours.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use nix::errno::Errno;
use serde::Serialize;

use crate::{
    attribute::{Attribute, attributes},
    error::Failure,
    message::Message,
    nft::{self, NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE},
    nft_expr::wire::text,
    socket::{Socket, bytes},
};

// include/uapi/linux/netfilter/nf_tables.h
const NFT_MSG_NEWCHAIN: u16 = 10 << 8 | 3;
const NFT_MSG_GETCHAIN: u16 = 10 << 8 | 4;
const NFT_MSG_NEWRULE: u16 = 10 << 8 | 6;
const NFT_MSG_GETRULE: u16 = 10 << 8 | 7;
const NFT_MSG_NEWSET: u16 = 10 << 8 | 9;
const NFT_MSG_GETSET: u16 = 10 << 8 | 0xa;
const NFT_MSG_NEWSETELEM: u16 = 10 << 8 | 0xc;
const NFT_MSG_GETSETELEM: u16 = 10 << 8 | 0xd;
/// In messages about a table and about all that is in one.
const TABLE: u16 = 1;
const NFTA_CHAIN_COUNTERS: u16 = 8;
const NFTA_RULE_EXPRESSIONS: u16 = 4;
const NFTA_EXPR_NAME: u16 = 1;
const NFTA_SET_NAME: u16 = 2;
const NFTA_SET_FLAGS: u16 = 3;
/// Elements come and go by packets or by time: `NFT_SET_TIMEOUT`, `NFT_SET_EVAL`.
const MOVING: u32 = 0x10 | 0x20;
/// Expressions that count packets.
const COUNTING: [&str; 3] = ["counter", "quota", "last"];

/// What a table holds at a generation.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Content {
    pub(crate) generation: u32,
    /// The same for the same objects of the kernel only, and for the same build of the standard library; `None` when it could not be
    /// looked at before somebody else changed something, or when there is no such table.
    pub(crate) content: Option<String>,
}

/// The table as it is now.
pub(crate) fn content(socket: &mut Socket, family: u8, table: &str) -> Result<Content, Failure> {
    let (generation, content) = nft::consistent(socket, |socket| read(socket, family, table))?;
    Ok(Content {
        generation,
        content,
    })
}

/// The table as a transaction left it that made `generation`.
pub(crate) fn content_at(
    socket: &mut Socket,
    generation: u32,
    family: u8,
    table: &str,
) -> Result<Content, Failure> {
    let content = read(socket, family, table)?;
    let still = nft::get_generation(socket)? == generation;
    Ok(Content {
        generation,
        content: content.filter(|_| still),
    })
}

/// `None` when there is no such table, or no longer.
fn read(socket: &mut Socket, family: u8, table: &str) -> Result<Option<String>, Failure> {
    match sum(socket, family, table) {
        Ok(number) => Ok(Some(format!("{number:016x}"))),
        Err(failure) if failure.errno == Errno::ENOENT => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn sum(socket: &mut Socket, family: u8, table: &str) -> Result<u64, Failure> {
    let header = [family, 0, 0, 0];
    let of_table = [&header[..], &bytes(&text(TABLE, table))].concat();
    let within = |message: &Message<'_>| {
        let found = find(message.body, TABLE);
        message.body.first() == Some(&family) && found.is_some_and(|found| found.text() == table)
    };
    let mut sum = 0_u64;
    let mut sets = Vec::new();
    // Chains and tables of one table cannot be asked for.
    for (get, new, request) in [
        (NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE, &header[..]),
        (NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, &header[..]),
        (NFT_MSG_GETRULE, NFT_MSG_NEWRULE, &of_table),
        (NFT_MSG_GETSET, NFT_MSG_NEWSET, &of_table),
    ] {
        let found = socket.dump(get, request, |message| {
            (message.kind == new && within(message)).then(|| {
                let set = (new == NFT_MSG_NEWSET).then(|| still_set(message.body));
                (digest(new, message.body), set.flatten())
            })
        })?;
        for (number, set) in found {
            sum = sum.wrapping_add(number);
            sets.extend(set);
        }
    }
    for set in sets {
        let request = [&of_table[..], &bytes(&text(NFTA_SET_NAME, &set))].concat();
        let found = socket.dump(NFT_MSG_GETSETELEM, &request, |message| {
            (message.kind == NFT_MSG_NEWSETELEM).then(|| elements(message.body))
        })?;
        sum = found.into_iter().fold(sum, u64::wrapping_add);
    }
    Ok(sum)
}

/// The name of a set whose elements only a transaction changes.
fn still_set(body: &[u8]) -> Option<String> {
    let flags = find(body, NFTA_SET_FLAGS).and_then(Attribute::u32_be);
    if flags.unwrap_or_default() & MOVING != 0 {
        return None;
    }
    find(body, NFTA_SET_NAME).map(Attribute::text)
}

/// The number of a message, without what packets change.
fn digest(kind: u16, body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    kind.hash(&mut hasher);
    for found in attributes(body, nft::HEADER.len()) {
        match (kind, found.kind) {
            (NFT_MSG_NEWCHAIN, NFTA_CHAIN_COUNTERS) => {}
            (NFT_MSG_NEWRULE, NFTA_RULE_EXPRESSIONS) => {
                for expression in found.nested() {
                    let name = expression.nested().find(|part| part.kind == NFTA_EXPR_NAME);
                    let name = name.map(Attribute::text).unwrap_or_default();
                    name.hash(&mut hasher);
                    if !COUNTING.contains(&name.as_str()) {
                        expression.value.hash(&mut hasher);
                    }
                }
            }
            _ => (found.kind, found.value).hash(&mut hasher),
        }
    }
    hasher.finish()
}

/// The sum of the numbers of all elements in a message: the kernel tells them in any order.
fn elements(body: &[u8]) -> u64 {
    const NFTA_SET_ELEM_LIST_SET: u16 = 2;
    const NFTA_SET_ELEM_LIST_ELEMENTS: u16 = 3;
    let set = find(body, NFTA_SET_ELEM_LIST_SET).map(Attribute::text);
    let list = find(body, NFTA_SET_ELEM_LIST_ELEMENTS);
    let elements = list.into_iter().flat_map(Attribute::nested);
    let number = |element: Attribute<'_>| {
        let mut hasher = DefaultHasher::new();
        (&set, element.value).hash(&mut hasher);
        hasher.finish()
    };
    elements.map(number).fold(0, u64::wrapping_add)
}

fn find(body: &[u8], kind: u16) -> Option<Attribute<'_>> {
    attributes(body, nft::HEADER.len()).find(|found| found.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::{NFT_MSG_NEWRULE, digest, elements, still_set};

    /// A rule of one expression: a name, and the 8 bytes of one attribute.
    fn rule(name: [u8; 8], value: u8) -> Vec<u8> {
        let mut body = vec![1, 0, 0, 0, 36, 0, 4, 0x80, 32, 0, 1, 0x80];
        body.extend([12, 0, 1, 0]);
        body.extend(name);
        body.extend([16, 0, 2, 0x80, 12, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, value]);
        body
    }

    #[test]
    fn what_packets_count_is_no_change() {
        let number = |name, value| digest(NFT_MSG_NEWRULE, &rule(name, value));
        assert_eq!(number(*b"counter\0", 1), number(*b"counter\0", 2));
        assert_ne!(number(*b"limit\0\0\0", 1), number(*b"limit\0\0\0", 2));
        assert_ne!(number(*b"counter\0", 1), number(*b"limit\0\0\0", 1));
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        crate::fuzz::mangle(&rule(*b"limit\0\0\0", 1), |bytes| {
            digest(NFT_MSG_NEWRULE, bytes);
            elements(bytes);
            drop(still_set(bytes));
        });
    }
}
