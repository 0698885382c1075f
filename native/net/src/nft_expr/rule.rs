//! One rule: its matches, and the order of its instructions.

use std::collections::BTreeMap;

use super::{
    Unsupported,
    datatype::{Datatype, IFNAME, IFNAMSIZ},
    field::{Field, IP, IP6},
    json::{Mapping, Match, Node, Tagged},
    set::{Data, Range, Shape, prefix_mask, verdict_of},
    unsupported,
    wire::{self, Attribute, Equality, Lookup, SetName, Slot},
};

/// A set that a rule brings along, and what is in it.
pub(crate) struct Anonymous<'a> {
    pub(crate) set: SetName,
    pub(crate) shape: Shape,
    pub(crate) elements: &'a [Node],
}

/// A rule while it is written.
pub(crate) struct Writer<'a> {
    /// The sets of the table.
    named: &'a BTreeMap<String, Shape>,
    /// The number of the last set without a name.
    last_id: &'a mut u32,
    /// What is known of a packet that came this far.
    family: Option<u8>,
    protocol: Option<u8>,
    pub(crate) expressions: Vec<Attribute>,
    pub(crate) sets: Vec<Anonymous<'a>>,
}

impl<'a> Writer<'a> {
    pub(crate) const fn new(named: &'a BTreeMap<String, Shape>, last_id: &'a mut u32) -> Self {
        Self {
            named,
            last_id,
            family: None,
            protocol: None,
            expressions: Vec::new(),
            sets: Vec::new(),
        }
    }

    /// Adds a statement.
    pub(crate) fn add(&mut self, node: &'a Node) -> Result<(), Unsupported> {
        if let Some(verdict) = verdict_of(node) {
            self.push(wire::verdict(&verdict));
            return Ok(());
        }
        let Node::Tagged(tagged) = node else {
            return unsupported(format!("the statement {node:?}"));
        };
        match &**tagged {
            Tagged::Match(one) => self.add_match(one),
            Tagged::Vmap(Mapping { key, data }) => {
                let types = self.load_key(key)?;
                let set = self.set(types, Data::Verdict, data)?;
                self.push(wire::lookup(&set, &Lookup::Verdict));
                Ok(())
            }
            statement => self.add_statement(statement),
        }
    }

    pub(crate) fn push(&mut self, expression: Attribute) {
        self.expressions.push(expression);
    }

    /// The family that packets are known to have.
    pub(crate) const fn family(&self) -> Option<u8> {
        self.family
    }

    /// Lets only packets go on that have the field.
    pub(crate) fn need(&mut self, field: &Field) -> Result<(), Unsupported> {
        if let Some(family) = field.family {
            self.need_family(family)?;
        }
        field
            .protocol
            .map_or(Ok(()), |protocol| self.need_protocol(protocol))
    }

    fn need_family(&mut self, family: u8) -> Result<(), Unsupported> {
        match self.family {
            Some(known) if known == family => Ok(()),
            Some(_) => unsupported("a match of both IPv4 and IPv6"),
            None => {
                self.family = Some(family);
                self.push(Field::FAMILY.load(Slot::FIRST));
                self.push(wire::compare(Equality::Same, &[family]));
                Ok(())
            }
        }
    }

    pub(crate) fn need_protocol(&mut self, protocol: u8) -> Result<(), Unsupported> {
        match self.protocol {
            Some(known) if known == protocol => Ok(()),
            Some(_) => unsupported("a match of two transport protocols"),
            None => {
                self.protocol = Some(protocol);
                self.push(Field::PROTOCOL.load(Slot::FIRST));
                self.push(wire::compare(Equality::Same, &[protocol]));
                Ok(())
            }
        }
    }

    fn add_match(&mut self, Match { op, left, right }: &'a Match) -> Result<(), Unsupported> {
        // `in` is what `nft` writes where no operator is given: one of several bits, else equality.
        let (equality, one_of) = match op.as_str() {
            "==" => (Equality::Same, false),
            "in" => (Equality::Same, true),
            "!=" => (Equality::Other, false),
            other => return unsupported(format!("the operator {other}")),
        };
        if let Some(types) = self.load_set_key(left, right)? {
            let set = self.set(types, Data::Nothing, right)?;
            self.push(wire::lookup(&set, &Lookup::Test(equality)));
            return Ok(());
        }
        if let Node::Tagged(tagged) = left
            && let Tagged::And(field, mask) = &**tagged
        {
            let field = Field::parse(field)?;
            let (mask, value) = (
                field.datatype.constant(mask)?,
                field.datatype.constant(right)?,
            );
            self.need(&field)?;
            self.push(field.load(Slot::FIRST));
            self.push(wire::mask(&mask));
            self.push(wire::compare(equality, &value));
            return Ok(());
        }
        let field = Field::parse(left)?;
        self.need(&field)?;
        if field.datatype.bits {
            return self.match_bits(&field, right, equality, one_of);
        }
        self.match_value(&field, right, equality)
    }

    fn match_bits(
        &mut self,
        field: &Field,
        right: &Node,
        equality: Equality,
        one_of: bool,
    ) -> Result<(), Unsupported> {
        let value = field.datatype.constant(right)?;
        match (one_of, equality) {
            (true, _) => {
                self.push(field.load(Slot::FIRST));
                self.push(wire::mask(&value));
                self.push(wire::compare(Equality::Other, &vec![0; value.len()]));
            }
            (false, Equality::Same) => {
                self.push(field.load(Slot::FIRST));
                self.push(wire::compare(Equality::Same, &value));
            }
            // `nft` means by it that none of the bits is set.
            (false, Equality::Other) => {
                return unsupported(format!("a {} that is not", field.datatype.name));
            }
        }
        Ok(())
    }

    fn match_value(
        &mut self,
        field: &Field,
        right: &Node,
        equality: Equality,
    ) -> Result<(), Unsupported> {
        let datatype = field.datatype;
        match right {
            Node::Tagged(tagged) => match &**tagged {
                Tagged::Prefix(prefix) if datatype.is_address() => {
                    let Range { mut from, .. } = Range::parse(datatype, right, true)?;
                    match usize::try_from(prefix.len / 8).unwrap_or(usize::MAX) {
                        // Whole bytes are looked at without a mask.
                        bytes if prefix.len.is_multiple_of(8) && field.is_payload() => {
                            from.truncate(bytes);
                            self.push(field.load_part(Slot::FIRST, bytes));
                        }
                        _ => {
                            self.push(field.load(Slot::FIRST));
                            self.push(wire::mask(&prefix_mask(from.len(), prefix.len)?));
                        }
                    }
                    self.push(wire::compare(equality, &from));
                }
                Tagged::Range(..) if datatype.is_ordered() => {
                    let Range { from, to } = Range::parse(datatype, right, true)?;
                    self.push(field.load(Slot::FIRST));
                    self.push(wire::within(equality, &from, &to));
                }
                other => return unsupported(format!("a comparison with {other:?}")),
            },
            Node::Text(text) if datatype == &IFNAME && text.ends_with('*') => {
                let begin = text.trim_end_matches('*').as_bytes();
                if begin.is_empty() || begin.len() >= IFNAMSIZ || text.contains('\\') {
                    return unsupported(format!("the interface name {text}"));
                }
                self.push(field.load(Slot::FIRST));
                self.push(wire::compare(equality, begin));
            }
            constant => {
                let value = datatype.constant(constant)?;
                self.push(field.load(Slot::FIRST));
                self.push(wire::compare(equality, &value));
                if equality == Equality::Same {
                    self.learn(field, &value);
                }
            }
        }
        Ok(())
    }

    /// What a comparison tells of the packets that pass it.
    fn learn(&mut self, field: &Field, value: &[u8]) {
        let [value] = value else { return };
        if field.tells_protocol() {
            self.protocol = Some(*value);
        } else if field.datatype == Field::FAMILY.datatype && [IP, IP6].contains(value) {
            self.family = Some(*value);
        }
    }

    /// Loads the left side when the right one is a set.
    fn load_set_key(
        &mut self,
        left: &Node,
        right: &Node,
    ) -> Result<Option<Vec<&'static Datatype>>, Unsupported> {
        let is_set = match right {
            Node::Text(text) => text.starts_with('@'),
            Node::Tagged(tagged) => matches!(**tagged, Tagged::Set(_)),
            _ => false,
        };
        if is_set {
            self.load_key(left).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Loads what a set is asked for.
    pub(crate) fn load_key(&mut self, key: &Node) -> Result<Vec<&'static Datatype>, Unsupported> {
        let fields = match key {
            Node::Tagged(tagged) => match &**tagged {
                Tagged::Concat(parts) => {
                    parts.iter().map(Field::parse).collect::<Result<_, _>>()?
                }
                _ => vec![Field::parse(key)?],
            },
            _ => vec![Field::parse(key)?],
        };
        for field in &fields {
            self.need(field)?;
        }
        let mut slot = Slot::FIRST;
        for field in &fields {
            self.push(field.load(slot));
            let next = slot.after(field.datatype.length);
            slot = next.ok_or_else(|| Unsupported("a key of more than 64 bytes".into()))?;
        }
        Ok(fields.iter().map(|field| field.datatype).collect())
    }

    /// The set that `node` names or brings along, for a key of these types.
    fn set(
        &mut self,
        key: Vec<&'static Datatype>,
        data: Data,
        node: &'a Node,
    ) -> Result<SetName, Unsupported> {
        if let Node::Text(text) = node {
            let (name, shape) = self.named(text)?;
            if shape.key != key || shape.data != data {
                return unsupported(format!("a look into the set {name}, which has other types"));
            }
            return Ok(SetName { name, id: None });
        }
        let elements = match node {
            Node::Tagged(tagged) => match &**tagged {
                Tagged::Set(elements) if !elements.is_empty() => elements,
                other => return unsupported(format!("the set {other:?}")),
            },
            other => return unsupported(format!("the set {other:?}")),
        };
        *self.last_id += 1;
        let name = match data {
            Data::Nothing => "__set%d",
            Data::Verdict | Data::Values(_) => "__map%d",
        };
        let set = SetName {
            name: name.to_owned(),
            id: Some(*self.last_id),
        };
        self.sets.push(Anonymous {
            set: set.clone(),
            shape: Shape::anonymous(key, data, elements)?,
            elements,
        });
        Ok(set)
    }

    /// The set of the table that `text` refers to (`@name`).
    pub(crate) fn named(&self, text: &str) -> Result<(String, &'a Shape), Unsupported> {
        let found = text
            .strip_prefix('@')
            .and_then(|name| Some((name.to_owned(), self.named.get(name)?)));
        found.ok_or_else(|| Unsupported(format!("the set {text}, which is not in this table")))
    }
}
