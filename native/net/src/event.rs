//! Multicast messages of the kernel as events: enough to know what is dirty, never the new state itself.

use libc::{
    RTM_DELADDR, RTM_DELLINK, RTM_DELNEIGH, RTM_DELROUTE, RTM_DELRULE, RTM_NEWADDR, RTM_NEWLINK,
    RTM_NEWNEIGH, RTM_NEWROUTE, RTM_NEWRULE,
};
use serde::Serialize;

use crate::{
    attribute::{Attribute, attributes, read_u32},
    message::Message,
    nduseropt::{self, RouterOption},
};

const RTM_NEWNDUSEROPT: u16 = 68;
const RTM_NEWNSID: u16 = 88;
const RTM_DELNSID: u16 = 89;
const NETNSA_NSID: u16 = 1;
/// `NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN`: a transaction on the rules of a namespace is done.
const NFT_NEWGEN: u16 = 0x0a0f;
const NFTA_GEN_PROC_PID: u16 = 2;
const NFTA_GEN_PROC_NAME: u16 = 3;

/// Something changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Event {
    /// `link`, `address`, `route`, `rule`, `neighbour`, `nsid`, `router`, `nft`, or `overrun`: events were lost, everything is dirty.
    pub(crate) r#type: &'static str,
    /// `new` covers changes too.
    pub(crate) action: &'static str,
    /// Id of the namespace where it happened; `None` is the monitor's own.
    pub(crate) nsid: Option<i32>,
    /// Index of the link concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<u32>,
    /// Name of the link concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The process that the message itself names, and its program.
    #[serde(skip)]
    pub(crate) actor: Option<(u32, String)>,
    /// What a router advertisement brought that the kernel does not keep.
    #[serde(skip)]
    pub(crate) option: Option<RouterOption>,
}

impl Event {
    /// Events were lost; only a full look at the kernel helps.
    pub(crate) const OVERRUN: Self = Self {
        r#type: "overrun",
        action: "new",
        nsid: None,
        index: None,
        name: None,
        actor: None,
        option: None,
    };
}

/// The event in a message; `None` for messages that are none of ours or too short.
pub(crate) fn parse(message: &Message<'_>, nsid: Option<i32>) -> Option<Event> {
    let body = message.body;
    let (r#type, action) = match classify(message.kind)? {
        // What changed is what IPv6 knows of the link.
        ("link", "new") if body.first().copied().map(i32::from) == Some(libc::AF_INET6) => {
            ("router", "new")
        }
        known => known,
    };
    let mut event = Event {
        r#type,
        action,
        nsid,
        index: None,
        name: None,
        actor: None,
        option: None,
    };
    match r#type {
        "link" => {
            event.index = Some(read_u32(body, 4)?);
            event.name = find(body, 16, libc::IFLA_IFNAME).map(Attribute::text);
        }
        // The index lies at the same place of struct ifaddrmsg and struct ndmsg.
        "address" | "neighbour" => event.index = Some(read_u32(body, 4)?),
        "route" => event.index = find(body, 12, libc::RTA_OIF).and_then(Attribute::u32),
        "router" => {
            event.index = Some(read_u32(body, 4)?);
            if message.kind == RTM_NEWNDUSEROPT {
                event.option = Some(nduseropt::parse(body)?);
            }
        }
        "nft" => event.actor = transactor(body),
        "nsid" => event.nsid = find(body, 4, NETNSA_NSID).and_then(Attribute::i32),
        _ => {}
    }
    Some(event)
}

/// Who committed a transaction on the rules.
fn transactor(body: &[u8]) -> Option<(u32, String)> {
    let pid = find(body, 4, NFTA_GEN_PROC_PID).and_then(Attribute::u32_be)?;
    let program = find(body, 4, NFTA_GEN_PROC_NAME).map(Attribute::text)?;
    Some((pid, program))
}

fn find(body: &[u8], header: usize, kind: u16) -> Option<Attribute<'_>> {
    attributes(body, header).find(|found| found.kind == kind)
}

fn classify(kind: u16) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        RTM_NEWLINK => ("link", "new"),
        RTM_DELLINK => ("link", "del"),
        RTM_NEWADDR => ("address", "new"),
        RTM_DELADDR => ("address", "del"),
        RTM_NEWROUTE => ("route", "new"),
        RTM_DELROUTE => ("route", "del"),
        RTM_NEWRULE => ("rule", "new"),
        RTM_DELRULE => ("rule", "del"),
        RTM_NEWNEIGH => ("neighbour", "new"),
        RTM_DELNEIGH => ("neighbour", "del"),
        RTM_NEWNDUSEROPT => ("router", "new"),
        RTM_NEWNSID => ("nsid", "new"),
        RTM_DELNSID => ("nsid", "del"),
        NFT_NEWGEN => ("nft", "new"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Event, parse};
    use crate::message::{Message, messages};

    fn datagram() -> Vec<u8> {
        // struct ifinfomsg with index 2, and IFLA_IFNAME
        let body = [
            0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 3, 0, b'v', b'0', 0, 0,
        ];
        let link = Message {
            kind: libc::RTM_DELLINK,
            flags: 0,
            sequence: 0,
            port: 0,
            body: &body,
        };
        let rule = Message {
            kind: libc::RTM_NEWRULE,
            flags: 0,
            sequence: 0,
            port: 0,
            body: &body[..12],
        };
        [link.to_bytes().unwrap(), rule.to_bytes().unwrap()].concat()
    }

    fn events(datagram: &[u8]) -> Vec<Event> {
        messages(datagram)
            .filter_map(|message| parse(&message, Some(3)))
            .collect()
    }

    #[test]
    fn reads_each_message_of_a_datagram() {
        let events = events(&datagram());
        assert_eq!(events.len(), 2);
        let text = serde_json::to_string(&events[0]).unwrap();
        assert_eq!(
            text,
            r#"{"type":"link","action":"del","nsid":3,"index":2,"name":"v0"}"#
        );
        assert_eq!((events[1].r#type, events[1].index), ("rule", None));
    }

    #[test]
    fn a_generation_names_the_program_that_made_it() {
        const BODY: [u8; 28] = [
            0, 0, 0, 5, 8, 0, 1, 0, 0, 0, 0, 5, 8, 0, 2, 0, 0, 0, 0x12, 0x67, 8, 0, 3, 0, b'n',
            b'f', b't', 0,
        ];
        fn read(body: &[u8]) -> Option<(u32, String)> {
            let message = Message {
                kind: super::NFT_NEWGEN,
                flags: 0,
                sequence: 0,
                port: 0,
                body,
            };
            parse(&message, None)?.actor
        }
        assert_eq!(read(&BODY), Some((4711, "nft".to_owned())));
        crate::fuzz::mangle(&BODY, |bytes| drop(read(bytes)));
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        crate::fuzz::mangle(&datagram(), |bytes| drop(events(bytes)));
    }
}
