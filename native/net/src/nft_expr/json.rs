//! The part of libnftables-json(5) that is known here, as serde reads it: a name or member that is not below is refused.

use serde::{Deserialize, de};
use serde_json::Value;

/// An object of a table.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Object {
    Chain(Chain),
    Rule(Rule),
    Set(Set),
    Map(Set),
    Element(Elements),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chain {
    pub(crate) family: String,
    pub(crate) table: String,
    pub(crate) name: String,
    pub(crate) r#type: Option<String>,
    pub(crate) hook: Option<String>,
    pub(crate) prio: Option<i32>,
    pub(crate) policy: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) family: String,
    pub(crate) table: String,
    pub(crate) chain: String,
    pub(crate) expr: Vec<Node>,
    pub(crate) comment: Option<String>,
}

/// A set, or with `map` a map to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Set {
    pub(crate) family: String,
    pub(crate) table: String,
    pub(crate) name: String,
    pub(crate) r#type: OneOrMany,
    pub(crate) map: Option<OneOrMany>,
    #[serde(default)]
    pub(crate) flags: Vec<String>,
    #[serde(default)]
    pub(crate) elem: Vec<Node>,
}

/// More elements of a set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Elements {
    pub(crate) family: String,
    pub(crate) table: String,
    pub(crate) name: String,
    pub(crate) elem: Vec<Node>,
}

/// A word or a list of words.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(crate) fn words(&self) -> &[String] {
        match self {
            Self::One(word) => std::slice::from_ref(word),
            Self::Many(words) => words,
        }
    }
}

/// A constant, an expression or a statement.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) enum Node {
    Text(String),
    Number(u64),
    List(Vec<Node>),
    Tagged(Box<Tagged>),
}

impl TryFrom<Value> for Node {
    type Error = serde_json::Error;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::String(text) => Ok(Self::Text(text)),
            Value::Number(number) => {
                let small = number.as_u64().map(Self::Number);
                small.ok_or_else(|| de::Error::custom(format!("the number {number}")))
            }
            Value::Array(list) => {
                let list = list.into_iter().map(Self::try_from);
                list.collect::<Result<_, _>>().map(Self::List)
            }
            Value::Object(_) => serde_json::from_value(value).map(Self::Tagged),
            Value::Null | Value::Bool(_) => Err(de::Error::custom(value)),
        }
    }
}

/// What is written as an object with one member.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tagged {
    // Expressions
    Meta(Key),
    Ct(Key),
    Rt(Key),
    Payload(Payload),
    Fib(Fib),
    #[serde(rename = "tcp option")]
    TcpOption(TcpOption),
    Prefix(Prefix),
    Range(Node, Node),
    Set(Vec<Node>),
    Concat(Vec<Node>),
    Map(Mapping),
    #[serde(rename = "&")]
    And(Node, Node),
    #[serde(rename = "|")]
    Or(Vec<Node>),
    // Verdicts
    Accept(()),
    Drop(()),
    Continue(()),
    Return(()),
    Jump(Target),
    Goto(Target),
    // Statements
    Match(Match),
    Vmap(Mapping),
    Counter(Option<Counter>),
    Log(Option<Log>),
    Limit(Limit),
    Reject(Option<Reject>),
    Mangle(Mangle),
    Notrack(()),
    Masquerade(Option<Nat>),
    Redirect(Option<Nat>),
    Snat(Nat),
    Dnat(Nat),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    pub(crate) key: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payload {
    pub(crate) protocol: String,
    pub(crate) field: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fib {
    pub(crate) result: String,
    pub(crate) flags: OneOrMany,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TcpOption {
    pub(crate) name: String,
    pub(crate) field: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prefix {
    pub(crate) addr: Node,
    pub(crate) len: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapping {
    pub(crate) key: Node,
    pub(crate) data: Node,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    pub(crate) target: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Match {
    pub(crate) op: String,
    pub(crate) left: Node,
    pub(crate) right: Node,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counter {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) prefix: Option<String>,
    pub(crate) level: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limit {
    pub(crate) rate: u64,
    pub(crate) per: String,
    pub(crate) burst: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reject {
    pub(crate) r#type: String,
    pub(crate) expr: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mangle {
    pub(crate) key: Node,
    pub(crate) value: Node,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nat {
    pub(crate) family: Option<String>,
    pub(crate) addr: Option<Node>,
    pub(crate) port: Option<Node>,
    pub(crate) flags: Option<OneOrMany>,
}
