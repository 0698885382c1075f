//! Observing nftables without executing `nft`: the generation number and the tables with their comments.
//!
//! Written by hand, since no crate of the netlink-packet family knows `nf_tables`; it is two requests without
//! attributes and four attributes read.

use nix::errno::Errno;
use serde::Serialize;

use crate::{
    attribute::{Attribute, attributes, text},
    error::Failure,
    socket::Socket,
};

// include/uapi/linux/netfilter/nfnetlink.h and nf_tables.h
pub(crate) const NFT_MSG_NEWTABLE: u16 = 10 << 8;
pub(crate) const NFT_MSG_GETTABLE: u16 = 10 << 8 | 1;
const NFT_MSG_GETGEN: u16 = 10 << 8 | 16;
/// `struct nfgenmsg`, all families
pub(crate) const HEADER: [u8; 4] = [0; 4];
const NFTA_GEN_ID: u16 = 1;
const NFTA_TABLE_NAME: u16 = 1;
const NFTA_TABLE_HANDLE: u16 = 4;
const NFTA_TABLE_USERDATA: u16 = 6;
/// What is read is read again when a transaction was committed meanwhile, this often.
const ATTEMPTS: usize = 16;
/// libnftnl's userdata: type, length, value; 0 is a comment.
const NFTNL_UDATA_TABLE_COMMENT: u8 = 0;

/// The ruleset of a namespace from afar.
#[derive(Debug, Serialize)]
pub(crate) struct Ruleset {
    /// Counts every committed transaction of the namespace.
    pub(crate) generation: u32,
    pub(crate) tables: Vec<Table>,
}

/// A table, without its content.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Table {
    /// `inet`, `ip`, `ip6`, `arp`, `bridge` or `netdev`.
    pub(crate) family: &'static str,
    pub(crate) name: String,
    pub(crate) handle: u64,
    pub(crate) comment: Option<String>,
}

/// The tables of the socket's namespace and the generation that they belong to.
pub(crate) fn tables(socket: &mut Socket) -> Result<Ruleset, Failure> {
    let (generation, tables) = consistent(socket, |socket| {
        socket.dump(NFT_MSG_GETTABLE, &HEADER, |message| {
            (message.kind == NFT_MSG_NEWTABLE)
                .then(|| parse(message.body))
                .flatten()
        })
    })?;
    Ok(Ruleset { generation, tables })
}

/// What `read` gives when no transaction is committed meanwhile, and the generation that it belongs to.
pub(crate) fn consistent<T>(
    socket: &mut Socket,
    mut read: impl FnMut(&mut Socket) -> Result<T, Failure>,
) -> Result<(u32, T), Failure> {
    let mut generation = get_generation(socket)?;
    for _ in 0..ATTEMPTS {
        let found = read(socket)?;
        match get_generation(socket)? {
            same if same == generation => return Ok((generation, found)),
            newer => generation = newer,
        }
    }
    let text = format!("the ruleset changed during each of {ATTEMPTS} reads");
    Err(Failure {
        errno: Errno::EINTR,
        text: Some(text),
    })
}

pub(crate) fn get_generation(socket: &mut Socket) -> Result<u32, Failure> {
    let answer = socket.get(NFT_MSG_GETGEN, &HEADER)?;
    attributes(&answer, HEADER.len())
        .find(|found| found.kind == NFTA_GEN_ID)
        .and_then(Attribute::u32_be)
        .ok_or_else(|| Failure::malformed("no nftables generation"))
}

/// One `NFT_MSG_NEWTABLE` body; `None` when it is too short.
pub(crate) fn parse(body: &[u8]) -> Option<Table> {
    let mut table = Table {
        family: family(*body.first()?),
        name: String::new(),
        handle: 0,
        comment: None,
    };
    for found in attributes(body, HEADER.len()) {
        match found.kind {
            NFTA_TABLE_NAME => table.name = found.text(),
            NFTA_TABLE_HANDLE => table.handle = found.u64_be()?,
            NFTA_TABLE_USERDATA => table.comment = comment(found.value),
            _ => {}
        }
    }
    Some(table)
}

fn comment(mut userdata: &[u8]) -> Option<String> {
    while let [kind, length, rest @ ..] = userdata {
        let value = rest.get(..usize::from(*length))?;
        if *kind == NFTNL_UDATA_TABLE_COMMENT {
            return Some(text(value));
        }
        userdata = rest.get(value.len()..)?;
    }
    None
}

/// `NFPROTO_*`
const FAMILIES: [(u8, &str); 6] = [
    (1, "inet"),
    (2, "ip"),
    (3, "arp"),
    (5, "netdev"),
    (7, "bridge"),
    (10, "ip6"),
];

pub(crate) fn family(number: u8) -> &'static str {
    let known = FAMILIES.iter().find(|(known, _)| *known == number);
    known.map_or("other", |(_, name)| name)
}

pub(crate) fn family_number(name: &str) -> Option<u8> {
    let known = FAMILIES.iter().find(|(_, known)| *known == name);
    known.map(|(number, _)| *number)
}

#[cfg(test)]
mod tests {
    use super::{Table, parse};

    /// `table inet netloom { comment "h:1" }`, as the kernel answers.
    const ANSWER: &[u8] = &[
        1, 0, 0, 3, 12, 0, 1, 0, b'n', b'e', b't', b'l', b'o', b'o', b'm', 0, 12, 0, 4, 0, 0, 0, 0,
        0, 0, 0, 0, 5, 10, 0, 6, 0, 0, 4, b'h', b':', b'1', 0, 0, 0,
    ];

    #[test]
    fn reads_a_table_with_its_comment() {
        let expected = Table {
            family: "inet",
            name: "netloom".to_owned(),
            handle: 5,
            comment: Some("h:1".to_owned()),
        };
        assert_eq!(parse(ANSWER), Some(expected));
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        crate::fuzz::mangle(ANSWER, |bytes| drop(parse(bytes)));
    }
}
