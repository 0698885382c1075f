//! Loading a table whole in one transaction, without executing `nft`.

use std::collections::BTreeMap;

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE};
use nix::errno::Errno;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    error::{At, Error, Failure, Result},
    nft::NFT_MSG_NEWTABLE,
    nft_content::{self, Content},
    nft_expr::{
        Unsupported,
        json::{Chain, Object, Rule},
        rule::Writer,
        set::Shape,
        unsupported,
        wire::{Attribute, SetName, be32, nest, raw, text},
    },
    nft_transaction::{Change, NFPROTO_INET, change, commit, inet, removal},
    socket::Socket,
};

// include/uapi/linux/netfilter/nf_tables.h
const NFT_MSG_NEWCHAIN: u16 = 10 << 8 | 3;
const NFT_MSG_NEWRULE: u16 = 10 << 8 | 6;
const NFT_MSG_NEWSET: u16 = 10 << 8 | 9;
const NFT_MSG_NEWSETELEM: u16 = 10 << 8 | 0xc;
/// libnftnl's userdata for the comment of a table or a rule.
const UDATA_COMMENT: u8 = 0;

/// A table as it shall be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    family: String,
    table: String,
    comment: Option<String>,
    /// Objects of libnftables-json(5).
    #[serde(default)]
    objects: Vec<Value>,
}

/// Puts the table of the JSON object `spec` in the place of the one of that name, in one transaction. @returns what it
/// made. `EOPNOTSUPP` when it holds what is not known here; nothing was changed then.
pub(crate) fn load(socket: &mut Socket, spec: &str) -> Result<Content> {
    const OP: &str = "nft.load";
    let spec: Spec = serde_json::from_str(spec)
        .map_err(|error| Error::invalid(OP, "table", error.to_string()))?;
    let target = format!("table {} {}", spec.family, spec.table);
    let changes = changes(&spec).map_err(|Unsupported(what)| {
        let text = Some(format!(
            "only nft(8) can load this: {what} is not known here"
        ));
        let errno = Errno::EOPNOTSUPP;
        Failure { errno, text }.at(OP, &target)
    })?;
    let generation = commit(socket, &changes).at(OP, &target)?;
    nft_content::content_at(socket, generation, NFPROTO_INET, &spec.table).at(OP, target)
}

fn changes(spec: &Spec) -> std::result::Result<Vec<Change>, Unsupported> {
    if spec.family != "inet" {
        return unsupported(format!("a table of family {}", spec.family));
    }
    let table = spec.table.as_str();
    let mut head = vec![text(1, table)];
    if let Some(comment) = &spec.comment {
        head.push(raw(6, userdata(comment)?));
    }
    let mut changes = removal(NFPROTO_INET, table);
    changes.push(inet(NFT_MSG_NEWTABLE, &head, "the table".to_owned()));
    let objects = Objects::read(spec)?;
    let mut last_id = 0;
    for chain in &objects.chains {
        let what = format!("chain {}", chain.name);
        changes.push(inet(NFT_MSG_NEWCHAIN, &describe_chain(chain)?, what));
    }
    let mut named = BTreeMap::new();
    for set in &objects.sets {
        last_id += 1;
        let name = SetName {
            name: set.name.clone(),
            id: Some(last_id),
        };
        let shape = Shape::named(set)?;
        changes.extend(describe_set(table, &name, &shape, &set.elem, false)?);
        named.insert(set.name.clone(), shape);
    }
    for more in &objects.elements {
        let Some(shape) = named.get(&more.name) else {
            return unsupported(format!("the set {}, which is not in this table", more.name));
        };
        let name = SetName {
            name: more.name.clone(),
            id: None,
        };
        for body in shape.elements(table, &name, &more.elem)? {
            let what = format!("elements of {}", more.name);
            changes.push(inet(NFT_MSG_NEWSETELEM, &body, what));
        }
    }
    let mut numbers = BTreeMap::new();
    for rule in &objects.rules {
        let number = numbers.entry(rule.chain.as_str()).or_insert(0);
        *number += 1;
        let what = format!("rule {number} of chain {}", rule.chain);
        let mut writer = Writer::new(&named, &mut last_id);
        for statement in &rule.expr {
            let known = writer.add(statement);
            known.map_err(|Unsupported(part)| Unsupported(format!("{part} in {what}")))?;
        }
        for set in &writer.sets {
            changes.extend(describe_set(
                table,
                &set.set,
                &set.shape,
                set.elements,
                true,
            )?);
        }
        let body = describe_rule(table, rule, &writer.expressions)?;
        let flags = NLM_F_CREATE | NLM_F_APPEND;
        changes.push(change(NFPROTO_INET, NFT_MSG_NEWRULE, flags, &body, what));
    }
    Ok(changes)
}

/// The objects of a table by their kinds: what others refer to comes first.
#[derive(Default)]
struct Objects {
    chains: Vec<Chain>,
    sets: Vec<crate::nft_expr::json::Set>,
    elements: Vec<crate::nft_expr::json::Elements>,
    rules: Vec<Rule>,
}

impl Objects {
    fn read(spec: &Spec) -> std::result::Result<Self, Unsupported> {
        let mut objects = Self::default();
        for value in &spec.objects {
            let object = Object::deserialize(value).map_err(|error| {
                let text = error.to_string();
                // The list of what it could have been is no help to who reads it.
                let brief = text.split(", expected").next().unwrap_or_default();
                Unsupported(brief.to_owned())
            })?;
            let (family, table) = match &object {
                Object::Chain(chain) => (&chain.family, &chain.table),
                Object::Rule(rule) => (&rule.family, &rule.table),
                Object::Set(set) | Object::Map(set) => (&set.family, &set.table),
                Object::Element(more) => (&more.family, &more.table),
            };
            if (family, table) != (&spec.family, &spec.table) {
                return unsupported(format!("an object of table {family} {table}"));
            }
            match object {
                Object::Chain(chain) => objects.chains.push(chain),
                Object::Set(set) if set.map.is_some() => {
                    return unsupported(format!("the set {}, which maps", set.name));
                }
                Object::Map(map) if map.map.is_none() => {
                    return unsupported(format!("the map {} to nothing", map.name));
                }
                Object::Set(set) | Object::Map(set) => objects.sets.push(set),
                Object::Element(more) => objects.elements.push(more),
                Object::Rule(rule) => objects.rules.push(rule),
            }
        }
        Ok(objects)
    }
}

fn describe_chain(chain: &Chain) -> std::result::Result<Vec<Attribute>, Unsupported> {
    const HOOKS: [&str; 5] = ["prerouting", "input", "forward", "output", "postrouting"];
    let mut attributes = vec![text(1, &chain.table), text(3, &chain.name)];
    if let Some(policy) = &chain.policy {
        let verdict = match policy.as_str() {
            "drop" => 0,
            "accept" => 1,
            other => return unsupported(format!("the policy {other}")),
        };
        attributes.push(be32(5, verdict));
    }
    match (&chain.r#type, &chain.hook, chain.prio) {
        (None, None, None) => {}
        (Some(kind), Some(hook), Some(priority)) => {
            let known = (0..).zip(HOOKS).find(|(_, name)| name == hook);
            let Some((number, _)) = known else {
                return unsupported(format!("the hook {hook}"));
            };
            let place = [be32(1, number), be32(2, priority.cast_unsigned())];
            attributes.extend([text(7, kind), nest(4, &place)]);
        }
        _ => {
            return unsupported(format!(
                "chain {} without type, hook or priority",
                chain.name
            ));
        }
    }
    Ok(attributes)
}

fn describe_set(
    table: &str,
    set: &SetName,
    shape: &Shape,
    elements: &[crate::nft_expr::json::Node],
    anonymous: bool,
) -> std::result::Result<Vec<Change>, Unsupported> {
    let definition = shape.definition(table, set, anonymous);
    let mut changes = vec![inet(
        NFT_MSG_NEWSET,
        &definition,
        format!("set {}", set.name),
    )];
    for body in shape.elements(table, set, elements)? {
        let what = format!("elements of {}", set.name);
        changes.push(inet(NFT_MSG_NEWSETELEM, &body, what));
    }
    Ok(changes)
}

fn describe_rule(
    table: &str,
    rule: &Rule,
    expressions: &[Attribute],
) -> std::result::Result<Vec<Attribute>, Unsupported> {
    let mut attributes = vec![text(1, table), text(2, &rule.chain), nest(4, expressions)];
    if let Some(comment) = &rule.comment {
        attributes.push(raw(7, userdata(comment)?));
    }
    Ok(attributes)
}

/// libnftnl's userdata: type, length, and the text with its NUL.
fn userdata(comment: &str) -> std::result::Result<Vec<u8>, Unsupported> {
    // What nft(8) takes at most.
    const LONGEST: usize = 128;
    let Ok(length) = u8::try_from(comment.len() + 1) else {
        return unsupported("a long comment");
    };
    if comment.len() > LONGEST || comment.contains('\0') {
        return unsupported("a long comment");
    }
    Ok([&[UDATA_COMMENT, length], comment.as_bytes(), &[0]].concat())
}

#[cfg(test)]
mod tests;
