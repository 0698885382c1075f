//! Statements that are no match and no verdict.

use super::{
    Unsupported,
    datatype::SERVICE,
    field::{Field, TCP},
    json::{Counter, Limit, Log, Mangle, Node, Reject, Tagged},
    rule::Writer,
    unsupported,
    wire::{Slot, be32, be64, expression, immediate, raw, text},
};

impl Writer<'_> {
    pub(crate) fn add_statement(&mut self, statement: &Tagged) -> Result<(), Unsupported> {
        match statement {
            Tagged::Counter(counter) => {
                self.counter(counter.as_ref());
                Ok(())
            }
            Tagged::Log(log) => self.log(log.as_ref()),
            Tagged::Limit(limit) => self.limit(limit),
            Tagged::Reject(reject) => self.reject(reject.as_ref()),
            Tagged::Mangle(mangle) => self.mangle(mangle),
            Tagged::Notrack(()) => {
                self.push(expression("notrack", &[]));
                Ok(())
            }
            Tagged::Masquerade(nat) => self.masquerade(nat.as_ref()),
            Tagged::Redirect(nat) => self.redirect(nat.as_ref()),
            Tagged::Snat(nat) => self.source_nat(nat),
            Tagged::Dnat(nat) => self.destination_nat(nat),
            other => unsupported(format!("the statement {other:?}")),
        }
    }

    fn counter(&mut self, counter: Option<&Counter>) {
        // Those of a new table begin at 0 whatever they were.
        let start = counter.map_or_else(Vec::new, |Counter { packets, bytes }| {
            vec![be64(1, *bytes), be64(2, *packets)]
        });
        self.push(expression("counter", &start));
    }

    fn log(&mut self, log: Option<&Log>) -> Result<(), Unsupported> {
        const LEVELS: [&str; 8] = [
            "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug",
        ];
        let mut parts = Vec::new();
        if let Some(Log { prefix, level }) = log {
            parts.extend(prefix.as_ref().map(|prefix| text(2, prefix)));
            if let Some(level) = level {
                let known = (0..).zip(LEVELS).find(|(_, name)| name == level);
                let Some((number, _)) = known else {
                    return unsupported(format!("the log level {level}"));
                };
                parts.push(be32(5, number));
            }
        }
        self.push(expression("log", &parts));
        Ok(())
    }

    fn limit(&mut self, limit: &Limit) -> Result<(), Unsupported> {
        /// What `nft` takes when none is given.
        const BURST: u32 = 5;
        let seconds = match limit.per.as_str() {
            "second" => 1,
            "minute" => 60,
            "hour" => 60 * 60,
            "day" => 24 * 60 * 60,
            "week" => 7 * 24 * 60 * 60,
            other => return unsupported(format!("a limit per {other}")),
        };
        let packets = be32(4, 0);
        let burst = be32(3, limit.burst.unwrap_or(BURST));
        let rate = [be64(1, limit.rate), be64(2, seconds), burst, packets];
        self.push(expression("limit", &rate));
        Ok(())
    }

    fn reject(&mut self, reject: Option<&Reject>) -> Result<(), Unsupported> {
        const NFT_REJECT_TCP_RST: u32 = 1;
        const NFT_REJECT_ICMPX_UNREACH: u32 = 2;
        let (kind, why) = reject.map_or(("icmpx", None), |reject| {
            (reject.r#type.as_str(), reject.expr.as_deref())
        });
        let (kind, code) = match (kind, why.unwrap_or("port-unreachable")) {
            ("tcp reset", _) if why.is_none() => {
                self.need_protocol(TCP)?;
                (NFT_REJECT_TCP_RST, 0)
            }
            ("icmpx", "no-route") => (NFT_REJECT_ICMPX_UNREACH, 0),
            ("icmpx", "port-unreachable") => (NFT_REJECT_ICMPX_UNREACH, 1),
            ("icmpx", "host-unreachable") => (NFT_REJECT_ICMPX_UNREACH, 2),
            ("icmpx", "admin-prohibited") => (NFT_REJECT_ICMPX_UNREACH, 3),
            (kind, why) => return unsupported(format!("a reject by {kind} {why}")),
        };
        self.push(expression("reject", &[be32(1, kind), raw(2, [code])]));
        Ok(())
    }

    fn mangle(&mut self, Mangle { key, value }: &Mangle) -> Result<(), Unsupported> {
        if let Node::Tagged(tagged) = key
            && let Tagged::TcpOption(option) = &**tagged
        {
            if (option.name.as_str(), option.field.as_str()) != ("maxseg", "size") {
                return unsupported(format!("tcp option {} {}", option.name, option.field));
            }
            return self.clamp(value);
        }
        let field = Field::parse(key)?;
        let store = field.store()?;
        match value {
            Node::Tagged(_) => {
                let from = Field::parse(value)?;
                if from.datatype != field.datatype {
                    return unsupported(format!("a change of a {}", field.datatype.name));
                }
                self.need(&from)?;
                self.push(from.load(Slot::FIRST));
            }
            constant => self.push(immediate(Slot::FIRST, &field.datatype.constant(constant)?)),
        }
        self.push(store);
        Ok(())
    }

    /// Sets the largest segment that a TCP connection announces.
    fn clamp(&mut self, value: &Node) -> Result<(), Unsupported> {
        const NFT_RT_TCPMSS: u32 = 3;
        const NFT_BYTEORDER_HTON: u32 = 1;
        const NFT_EXTHDR_OP_TCPOPT: u32 = 1;
        const TCPOPT_MAXSEG: u8 = 2;
        // Where the size lies in the option, and its length.
        let (offset, length) = (be32(3, 2), be32(4, 2));
        let first = Slot::FIRST;
        match value {
            Node::Tagged(tagged) => match &**tagged {
                Tagged::Rt(key) if key.key == "mtu" => {
                    let load = [be32(2, NFT_RT_TCPMSS), first.attribute(1)];
                    self.push(expression("rt", &load));
                    let order = [
                        first.attribute(1),
                        first.attribute(2),
                        be32(3, NFT_BYTEORDER_HTON),
                        be32(4, 2),
                        be32(5, 2),
                    ];
                    self.push(expression("byteorder", &order));
                }
                other => return unsupported(format!("a segment size of {other:?}")),
            },
            constant => self.push(immediate(first, &SERVICE.constant(constant)?)),
        }
        let write = [
            first.attribute(7),
            raw(2, [TCPOPT_MAXSEG]),
            offset,
            length,
            be32(6, NFT_EXTHDR_OP_TCPOPT),
        ];
        self.push(expression("exthdr", &write));
        Ok(())
    }
}
