//! Adding policy rules, marked by their protocol number, and deleting exactly one.

use libc::{RTM_DELRULE, RTM_NEWRULE};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    AddressFamily,
    route::RouteHeader,
    rule::{RuleAction, RuleAttribute, RuleMessage},
};
use nix::errno::Errno;

use crate::{
    error::{At, Error, Failure, Result},
    prefix::{family, parse_prefix},
    rule::{Action, Mark, Rule, dump},
    socket::{Socket, bytes},
};

const ADD: &str = "rule.add";
const DEL: &str = "rule.del";

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

pub(crate) fn describe(op: &'static str, wanted: &Rule) -> Result<RuleMessage> {
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
