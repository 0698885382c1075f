//! Multicast messages of the kernel as events: enough to know what is dirty, never the new state itself.

use libc::{
    RTM_DELADDR, RTM_DELLINK, RTM_DELNEIGH, RTM_DELROUTE, RTM_DELRULE, RTM_NEWADDR, RTM_NEWLINK,
    RTM_NEWNEIGH, RTM_NEWROUTE, RTM_NEWRULE,
};
use serde::Serialize;

use crate::{
    attribute::{Attribute, attributes, read_u32},
    message::Message,
};

const RTM_NEWNSID: u16 = 88;
const RTM_DELNSID: u16 = 89;
const NETNSA_NSID: u16 = 1;

/// Something changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Event {
    /// `link`, `address`, `route`, `rule`, `neighbour`, `nsid`, or `overrun`: events were lost, everything is dirty.
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
}

impl Event {
    /// Events were lost; only a full look at the kernel helps.
    pub(crate) const OVERRUN: Self =
        Self { r#type: "overrun", action: "new", nsid: None, index: None, name: None };
}

/// The event in a message; `None` for messages that are none of ours or too short.
pub(crate) fn parse(message: &Message<'_>, nsid: Option<i32>) -> Option<Event> {
    let body = message.body;
    let (r#type, action) = classify(message.kind)?;
    let mut event = Event { r#type, action, nsid, index: None, name: None };
    match r#type {
        "link" => {
            event.index = Some(read_u32(body, 4)?);
            event.name = find(body, 16, libc::IFLA_IFNAME).map(Attribute::text);
        }
        // The index lies at the same place of struct ifaddrmsg and struct ndmsg.
        "address" | "neighbour" => event.index = Some(read_u32(body, 4)?),
        "route" => event.index = find(body, 12, libc::RTA_OIF).and_then(Attribute::u32),
        "nsid" => event.nsid = find(body, 4, NETNSA_NSID).and_then(Attribute::i32),
        _ => {}
    }
    Some(event)
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
        RTM_NEWNSID => ("nsid", "new"),
        RTM_DELNSID => ("nsid", "del"),
        _ => return None,
    })
}
