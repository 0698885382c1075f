//! Policy rules: what one is, and observing them. `rule_change` adds and deletes.

use libc::{RTM_GETRULE, RTM_NEWRULE};
use netlink_packet_route::{
    AddressFamily,
    rule::{RuleAction, RuleMessage},
};
use serde::{Deserialize, Serialize};

use crate::{
    attribute::{array, attributes, read_u32},
    error::Failure,
    prefix::family_number,
    socket::{Socket, bytes},
};

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

#[cfg(test)]
mod tests {
    use super::{Action, Mark, Rule, parse};
    use crate::{rule_change::describe, socket::bytes};

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
