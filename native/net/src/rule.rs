//! Policy rules, marked by their protocol number: observing, adding, deleting exactly one.

use libc::{RTM_DELRULE, RTM_GETRULE, RTM_NEWRULE};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    AddressFamily,
    route::RouteHeader,
    rule::{RuleAction, RuleAttribute, RuleMessage},
};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use crate::{
    attribute::{array, attributes, read_u32},
    error::{At, Error, Failure, Result},
    prefix::{family, family_number, parse_prefix},
    socket::{Socket, bytes},
};

const ADD: &str = "rule.add";
const DEL: &str = "rule.del";
/// `struct fib_rule_hdr`
const HEADER: usize = 12;
const FRA_DST: u16 = 1;
const FRA_SRC: u16 = 2;
const FRA_IIFNAME: u16 = 3;
const FRA_PRIORITY: u16 = 6;
const FRA_FWMARK: u16 = 10;
const FRA_SUPPRESS_PREFIXLEN: u16 = 14;
const FRA_TABLE: u16 = 15;
const FRA_FWMASK: u16 = 16;
const FRA_OIFNAME: u16 = 17;
const FRA_PAD: u16 = 18;
const FRA_PROTOCOL: u16 = 21;
const FRA_SUPPRESS_IFGROUP: u16 = 13;
const FIB_RULE_INVERT: u32 = 2;
const UNSET: u32 = u32::MAX;

/// A rule, as requested and as observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    /// 4 or 6.
    pub(crate) family: u8,
    pub(crate) priority: u32,
    /// Source prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// Destination prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
    /// Name of the link that the packet came in by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) iif: Option<String>,
    /// Name of the link that its socket is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) oif: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fwmark: Option<Mark>,
    /// Of action `lookup`; 254 (main) when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) table: Option<u32>,
    #[serde(default)]
    pub(crate) action: Action,
    /// Routes with a prefix of this length or less do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) suppress_prefix_length: Option<u32>,
    /// Who made it.
    pub(crate) protocol: u8,
    /// Observed only: it has conditions that are not among these members.
    #[serde(default, skip_deserializing)]
    pub(crate) other: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mark {
    pub(crate) value: u32,
    pub(crate) mask: u32,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    #[default]
    Lookup,
    Blackhole,
    Unreachable,
    Prohibit,
    /// Observed only.
    #[serde(skip_deserializing)]
    Other,
}

/// Every rule of the socket's namespace, both families, in the order of their evaluation.
pub(crate) fn dump(socket: &mut Socket) -> Result<Vec<Rule>, Failure> {
    let mut rules = Vec::new();
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut request = RuleMessage::default();
        request.header.family = family;
        rules.extend(socket.dump(RTM_GETRULE, &bytes(&request), |message| {
            (message.kind == RTM_NEWRULE)
                .then(|| parse(message.body))
                .flatten()
        })?);
    }
    Ok(rules)
}

/// One `RTM_NEWRULE` body; `None` when it is too short or not IP.
pub(crate) fn parse(body: &[u8]) -> Option<Rule> {
    let [family, to_length, from_length, tos, table, _, _, action] = array::<8>(body, 0)?;
    let mut rule = Rule {
        family: family_number(family)?,
        priority: 0,
        from: None,
        to: None,
        iif: None,
        oif: None,
        fwmark: None,
        table: Some(u32::from(table)),
        action: action_of(action),
        suppress_prefix_length: None,
        protocol: 0,
        other: tos != 0 || read_u32(body, 8)? & FIB_RULE_INVERT != 0,
    };
    let (mut value, mut mask) = (0, 0);
    for found in attributes(body, HEADER) {
        match found.kind {
            FRA_DST => rule.to = Some(format!("{}/{to_length}", found.ip()?)),
            FRA_SRC => rule.from = Some(format!("{}/{from_length}", found.ip()?)),
            FRA_IIFNAME => rule.iif = Some(found.text()),
            FRA_OIFNAME => rule.oif = Some(found.text()),
            FRA_PRIORITY => rule.priority = found.u32()?,
            FRA_FWMARK => value = found.u32()?,
            FRA_FWMASK => mask = found.u32()?,
            FRA_TABLE => rule.table = found.u32(),
            FRA_SUPPRESS_PREFIXLEN => {
                rule.suppress_prefix_length = found.u32().filter(|length| *length != UNSET);
            }
            FRA_SUPPRESS_IFGROUP if found.u32() == Some(UNSET) => {}
            FRA_PROTOCOL => rule.protocol = found.u8()?,
            FRA_PAD => {}
            _ => rule.other = true,
        }
    }
    rule.fwmark = (mask != 0).then_some(Mark { value, mask });
    if rule.action != Action::Lookup {
        rule.table = None;
    }
    Some(rule)
}

/// `FR_ACT_*`
fn action_of(number: u8) -> Action {
    match RuleAction::from(number) {
        RuleAction::ToTable => Action::Lookup,
        RuleAction::Blackhole => Action::Blackhole,
        RuleAction::Unreachable => Action::Unreachable,
        RuleAction::Prohibit => Action::Prohibit,
        _ => Action::Other,
    }
}

/// Adds the rule; `EEXIST` when there is the very same.
pub(crate) fn add(socket: &mut Socket, wanted: &Rule) -> Result<()> {
    let message = bytes(&describe(ADD, wanted)?);
    let added = socket.request(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, &message);
    let Err(failure) = added else { return Ok(()) };
    // The kernel takes a narrower rule of the same priority for the same one; without EXCL it would take the same one twice.
    let exact = normal(wanted)?;
    if failure.errno != Errno::EEXIST || dump(socket).at(ADD, target(wanted))?.contains(&exact) {
        return Err(failure.at(ADD, target(wanted)));
    }
    socket
        .request(RTM_NEWRULE, NLM_F_CREATE, &message)
        .at(ADD, target(wanted))
}

/// Removes exactly this rule; `ENOENT` when there is none.
///
/// To the kernel a condition that a deletion does not name may be anything, and it takes the first rule that fits. Rules
/// that would be taken instead go too, and come back at once.
pub(crate) fn delete(socket: &mut Socket, wanted: &Rule) -> Result<()> {
    let message = bytes(&describe(DEL, wanted)?);
    let exact = normal(wanted)?;
    let mut found = false;
    let fitting: Vec<Rule> = dump(socket)
        .at(DEL, target(wanted))?
        .into_iter()
        .filter(|rule| fits(&exact, rule))
        .take_while(|rule| {
            let before = !found;
            found |= *rule == exact;
            before
        })
        .collect();
    if !found {
        return Err(Failure::from(Errno::ENOENT).at(DEL, target(wanted)));
    }
    for _ in &fitting {
        socket
            .request(RTM_DELRULE, 0, &message)
            .at(DEL, target(wanted))?;
    }
    for other in fitting.iter().filter(|rule| **rule != exact) {
        add(socket, other)?;
    }
    Ok(())
}

/// Whether the kernel may take `rule` when it is told to delete `wanted`. Rules with conditions that we do not know stay
/// out: none of ours has any, and the protocol number keeps those of others.
fn fits(wanted: &Rule, rule: &Rule) -> bool {
    fn given<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
        wanted.is_none() || wanted == found
    }
    (
        wanted.family,
        wanted.priority,
        wanted.protocol,
        wanted.action,
    ) == (rule.family, rule.priority, rule.protocol, rule.action)
        && given(wanted.from.as_ref(), rule.from.as_ref())
        && given(wanted.to.as_ref(), rule.to.as_ref())
        && given(wanted.iif.as_ref(), rule.iif.as_ref())
        && given(wanted.oif.as_ref(), rule.oif.as_ref())
        && given(wanted.fwmark.as_ref(), rule.fwmark.as_ref())
        && given(wanted.table.as_ref(), rule.table.as_ref())
        && given(
            wanted.suppress_prefix_length.as_ref(),
            rule.suppress_prefix_length.as_ref(),
        )
}

/// The rule as the kernel would report it.
fn normal(wanted: &Rule) -> Result<Rule> {
    let prefix = |text: &Option<String>| {
        text.as_deref()
            .map(|text| parse_prefix(DEL, text).map(|(ip, length)| format!("{ip}/{length}")))
            .transpose()
    };
    Ok(Rule {
        from: prefix(&wanted.from)?,
        to: prefix(&wanted.to)?,
        table: table_of(wanted),
        ..wanted.clone()
    })
}

fn table_of(wanted: &Rule) -> Option<u32> {
    let main = u32::from(RouteHeader::RT_TABLE_MAIN);
    (wanted.action == Action::Lookup).then(|| wanted.table.unwrap_or(main))
}

fn target(wanted: &Rule) -> String {
    let family = wanted.family;
    let conditions = [
        ("from", &wanted.from),
        ("to", &wanted.to),
        ("iif", &wanted.iif),
        ("oif", &wanted.oif),
    ];
    let mut text = format!("IPv{family} rule {}", wanted.priority);
    for (word, value) in conditions {
        if let Some(value) = value {
            text = format!("{text} {word} {value}");
        }
    }
    text
}

fn describe(op: &'static str, wanted: &Rule) -> Result<RuleMessage> {
    let refuse = |reason: &str| Err(Error::invalid(op, target(wanted), reason));
    let mut message = RuleMessage::default();
    let header = &mut message.header;
    header.family = match wanted.family {
        4 => AddressFamily::Inet,
        6 => AddressFamily::Inet6,
        _ => return refuse("the family of a rule is 4 or 6"),
    };
    header.action = match wanted.action {
        Action::Lookup => RuleAction::ToTable,
        Action::Blackhole => RuleAction::Blackhole,
        Action::Unreachable => RuleAction::Unreachable,
        Action::Prohibit | Action::Other => RuleAction::Prohibit,
    };
    if wanted.action != Action::Lookup && wanted.table.is_some() {
        return refuse("only a rule with action lookup has a table");
    }
    let attributes = &mut message.attributes;
    attributes.push(RuleAttribute::Priority(wanted.priority));
    attributes.push(RuleAttribute::Protocol(wanted.protocol.into()));
    for (text, is_source) in [(&wanted.from, true), (&wanted.to, false)] {
        let Some(text) = text else { continue };
        let (ip, length) = parse_prefix(op, text)?;
        if family(ip) != header.family {
            return refuse("family does not fit the addresses");
        }
        if length == 0 {
            return refuse("a network of all addresses is no condition, leave it out");
        }
        if is_source {
            header.src_len = length;
            attributes.push(RuleAttribute::Source(ip));
        } else {
            header.dst_len = length;
            attributes.push(RuleAttribute::Destination(ip));
        }
    }
    attributes.extend(wanted.iif.clone().map(RuleAttribute::Iifname));
    attributes.extend(wanted.oif.clone().map(RuleAttribute::Oifname));
    if let Some(Mark { value, mask }) = wanted.fwmark {
        if mask == 0 {
            return refuse("a mark under mask 0 is no condition, leave it out");
        }
        attributes.push(RuleAttribute::FwMark(value));
        attributes.push(RuleAttribute::FwMask(mask));
    }
    attributes.extend(
        wanted
            .suppress_prefix_length
            .map(RuleAttribute::SuppressPrefixLen),
    );
    if let Some(table) = table_of(wanted) {
        header.table = u8::try_from(table).unwrap_or_default();
        attributes.push(RuleAttribute::Table(table));
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::{Action, Mark, Rule, describe, parse};
    use crate::socket::bytes;

    fn rule() -> Rule {
        Rule {
            family: 4,
            priority: 100,
            from: Some("10.1.0.0/16".to_owned()),
            to: Some("10.2.0.0/24".to_owned()),
            iif: Some("eth0".to_owned()),
            oif: Some("w0".to_owned()),
            fwmark: Some(Mark {
                value: 1,
                mask: 0xff,
            }),
            table: Some(1000),
            action: Action::Lookup,
            suppress_prefix_length: Some(0),
            protocol: 78,
            other: false,
        }
    }

    #[test]
    fn what_is_sent_reads_back() {
        let message = bytes(&describe("t", &rule()).unwrap());
        assert_eq!(parse(&message), Some(rule()));
    }

    #[test]
    fn a_condition_that_we_do_not_know_is_told() {
        let mut message = bytes(&describe("t", &rule()).unwrap());
        // FRA_IP_PROTO 6 (TCP)
        message.extend([5, 0, 22, 0, 6, 0, 0, 0]);
        assert!(parse(&message).unwrap().other);
    }

    #[test]
    fn conditions_that_are_none_are_refused() {
        let cases = [
            Rule {
                from: Some("0.0.0.0/0".to_owned()),
                ..rule()
            },
            Rule {
                fwmark: Some(Mark { value: 0, mask: 0 }),
                ..rule()
            },
            Rule {
                to: Some("fd00::/8".to_owned()),
                ..rule()
            },
            Rule {
                action: Action::Blackhole,
                ..rule()
            },
            Rule {
                family: 5,
                ..rule()
            },
        ];
        for case in cases {
            assert_eq!(
                describe("t", &case).unwrap_err().code(),
                "EINVAL",
                "{case:?}"
            );
        }
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        let message = bytes(&describe("t", &rule()).unwrap());
        crate::fuzz::mangle(&message, |bytes| drop(parse(bytes)));
    }
}
