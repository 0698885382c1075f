//! The base chains of every table, ours and others': where packets pass through, and what happens to those that no rule names.

use serde::Serialize;

use crate::{
    attribute::{Attribute, attributes},
    error::Failure,
    nft::{HEADER, consistent, family},
    socket::Socket,
};

// include/uapi/linux/netfilter/nf_tables.h
const NFT_MSG_NEWCHAIN: u16 = 10 << 8 | 3;
const NFT_MSG_GETCHAIN: u16 = 10 << 8 | 4;
const NFTA_CHAIN_TABLE: u16 = 1;
const NFTA_CHAIN_NAME: u16 = 3;
const NFTA_CHAIN_HOOK: u16 = 4;
const NFTA_CHAIN_POLICY: u16 = 5;
const NFTA_CHAIN_TYPE: u16 = 7;
const NFTA_HOOK_HOOKNUM: u16 = 1;
const NFTA_HOOK_PRIORITY: u16 = 2;
const NF_DROP: u32 = 0;

/// The base chains of a namespace and the generation that they belong to.
#[derive(Debug, Serialize)]
pub(crate) struct Chains {
    generation: u32,
    chains: Vec<Chain>,
}

/// A chain that the kernel itself calls.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Chain {
    family: &'static str,
    table: String,
    name: String,
    /// `filter`, `nat` or `route`.
    r#type: String,
    /// `forward`, `input`...
    hook: &'static str,
    /// Lower ones come first.
    priority: i32,
    /// `drop` or `accept`.
    policy: &'static str,
}

/// Every base chain of the socket's namespace.
pub(crate) fn chains(socket: &mut Socket) -> Result<Chains, Failure> {
    let (generation, chains) = consistent(socket, |socket| {
        socket.dump(NFT_MSG_GETCHAIN, &HEADER, |message| {
            (message.kind == NFT_MSG_NEWCHAIN)
                .then(|| parse(message.body))
                .flatten()
        })
    })?;
    Ok(Chains { generation, chains })
}

/// One `NFT_MSG_NEWCHAIN` body; `None` for a chain that only other chains jump to, or one that is too short.
pub(crate) fn parse(body: &[u8]) -> Option<Chain> {
    let number = *body.first()?;
    let find = |kind| attributes(body, HEADER.len()).find(|found| found.kind == kind);
    let text = |kind| find(kind).map(Attribute::text).unwrap_or_default();
    let hook = |kind| {
        find(NFTA_CHAIN_HOOK)?
            .nested()
            .find(|found| found.kind == kind)?
            .u32_be()
    };
    let family = family(number);
    Some(Chain {
        family,
        table: text(NFTA_CHAIN_TABLE),
        name: text(NFTA_CHAIN_NAME),
        r#type: text(NFTA_CHAIN_TYPE),
        hook: hook_name(family, hook(NFTA_HOOK_HOOKNUM)?),
        priority: hook(NFTA_HOOK_PRIORITY)?.cast_signed(),
        policy: match find(NFTA_CHAIN_POLICY).and_then(Attribute::u32_be) {
            Some(NF_DROP) => "drop",
            _ => "accept",
        },
    })
}

/// `NF_INET_*`, `NF_ARP_*`, `NF_NETDEV_*`
fn hook_name(family: &str, number: u32) -> &'static str {
    let names: &[&str] = match family {
        "arp" => &["input", "output", "forward"],
        "netdev" => &["ingress", "egress"],
        _ => &[
            "prerouting",
            "input",
            "forward",
            "output",
            "postrouting",
            "ingress",
        ],
    };
    let name = usize::try_from(number).ok().and_then(|at| names.get(at));
    name.copied().unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::{Chain, parse};

    /// `table ip filter { chain FORWARD { type filter hook forward priority -5; policy drop; } }`
    const ANSWER: &[u8] = &[
        2, 0, 0, 9, 11, 0, 1, 0, b'f', b'i', b'l', b't', b'e', b'r', 0, 0, 12, 0, 3, 0, b'F', b'O',
        b'R', b'W', b'A', b'R', b'D', 0, 20, 0, 4, 0x80, 8, 0, 1, 0, 0, 0, 0, 2, 8, 0, 2, 0, 0xff,
        0xff, 0xff, 0xfb, 8, 0, 5, 0, 0, 0, 0, 0, 11, 0, 7, 0, b'f', b'i', b'l', b't', b'e', b'r',
        0, 0,
    ];

    #[test]
    fn reads_a_base_chain() {
        let expected = Chain {
            family: "ip",
            table: "filter".to_owned(),
            name: "FORWARD".to_owned(),
            r#type: "filter".to_owned(),
            hook: "forward",
            priority: -5,
            policy: "drop",
        };
        assert_eq!(parse(ANSWER), Some(expected));
    }

    #[test]
    fn a_chain_without_a_hook_is_left_out() {
        assert_eq!(parse(&ANSWER[..28]), None);
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        crate::fuzz::mangle(ANSWER, |bytes| drop(parse(bytes)));
    }
}
