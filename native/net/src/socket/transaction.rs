//! Many messages of which the kernel takes all or none.

use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NLMSG_ERROR};

use super::{Socket, refusal};
use crate::{
    error::Failure,
    message::{Message, messages},
};

/// A message of a transaction.
pub(crate) struct Request {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) body: Vec<u8>,
}

impl Socket {
    /// Sends messages as one datagram, of which the kernel takes all or none: nfnetlink's batches, with their first and last
    /// message. The number of the first that was refused, and why.
    pub(crate) fn transaction(&mut self, requests: &[&Request]) -> Result<(), (usize, Failure)> {
        let first = self.sequence.wrapping_add(1);
        let last_change = requests.len().saturating_sub(2);
        let mut datagram = Vec::new();
        for (number, request) in requests.iter().enumerate() {
            self.sequence = self.sequence.wrapping_add(1);
            // Refusals come in order and before the answer to the last change.
            let ack = if number == last_change { NLM_F_ACK } else { 0 };
            let message = Message {
                kind: request.kind,
                flags: NLM_F_REQUEST | ack | request.flags,
                sequence: self.sequence,
                port: 0,
                body: &request.body,
            };
            datagram.extend(message.to_bytes().map_err(|failure| (number, failure))?);
            datagram.resize(datagram.len().next_multiple_of(4), 0);
        }
        self.counter.change();
        let whole = |failure| (0, failure);
        self.transport
            .send(&datagram)
            .map_err(|error| whole(error.into()))?;
        let mut refused = None;
        let mut buffer = Vec::with_capacity(self.buffer);
        loop {
            self.receive(&mut buffer).map_err(whole)?;
            for message in messages(&buffer).filter(|message| message.kind == NLMSG_ERROR) {
                let offset = message.sequence.wrapping_sub(first);
                let number = usize::try_from(offset).unwrap_or(usize::MAX);
                if number > last_change {
                    continue;
                }
                let refusal = refusal(&message).map(|failure| (number, failure));
                match refusal {
                    // The whole was refused; what may follow answers nothing that is asked later.
                    Some(refusal) if number == 0 => return Err(refusal),
                    Some(refusal) => drop(refused.get_or_insert(refusal)),
                    None => {}
                }
                if number == last_change {
                    return refused.map_or(Ok(()), Err);
                }
            }
        }
    }
}
