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

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, io, os::fd::OwnedFd};

    use netlink_packet_core::NLMSG_ERROR;
    use nix::errno::Errno;

    use super::Request;
    use crate::{
        counters::Counter,
        message::{Message, messages},
        socket::{MESSAGE_BUFFER, Socket, Transport},
    };

    /// Refuses messages by their place in the datagram, and acknowledges the last but one.
    #[derive(Debug)]
    struct Kernel {
        refuses: Vec<(usize, Errno)>,
        queue: VecDeque<Vec<u8>>,
    }

    impl Kernel {
        fn answer(&mut self, sequence: u32, errno: i32) {
            let mut body = errno.wrapping_neg().to_ne_bytes().to_vec();
            body.extend([0; 16]);
            let answer = Message {
                kind: NLMSG_ERROR,
                flags: 0,
                sequence,
                port: 0,
                body: &body,
            };
            self.queue.push_back(answer.to_bytes().unwrap());
        }
    }

    impl Transport for Kernel {
        fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
            let sequences: Vec<_> = messages(datagram).map(|one| one.sequence).collect();
            for (place, errno) in self.refuses.clone() {
                self.answer(sequences[place], errno as i32);
            }
            self.answer(sequences[sequences.len() - 2], 0);
            Ok(())
        }

        fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
            let datagram = self.queue.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
            buffer.extend(&datagram);
            Ok(datagram.len())
        }

        fn namespace(&self) -> io::Result<OwnedFd> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// What becomes of a transaction of five messages, and of one after it that nobody refuses.
    fn outcomes(refuses: &[(usize, Errno)]) -> [Result<(), (usize, Errno)>; 2] {
        let kernel = |refuses: &[(usize, Errno)], queue| Kernel {
            refuses: refuses.to_vec(),
            queue,
        };
        let mut socket = Socket {
            transport: Box::new(kernel(refuses, VecDeque::new())),
            sequence: 0,
            buffer: MESSAGE_BUFFER,
            counter: Counter::default(),
            _port: None,
        };
        let request = Request {
            kind: 100,
            flags: 0,
            body: vec![1, 2, 3],
        };
        let all = [&request; 5];
        let brief = |(place, failure): (usize, crate::error::Failure)| (place, failure.errno);
        let first = socket.transaction(&all).map_err(brief);
        // What was left unread is still there.
        let mut left = VecDeque::new();
        let mut buffer = Vec::new();
        while socket.transport.receive(&mut buffer).is_ok() {
            left.push_back(std::mem::take(&mut buffer));
        }
        socket.transport = Box::new(kernel(&[], left));
        [first, socket.transaction(&all).map_err(brief)]
    }

    #[test]
    fn all_is_taken() {
        assert_eq!(outcomes(&[]), [Ok(()), Ok(())]);
    }

    #[test]
    fn the_first_that_is_refused_is_told() {
        let refused = [(2, Errno::ENOENT), (3, Errno::EINVAL)];
        assert_eq!(outcomes(&refused), [Err((2, Errno::ENOENT)), Ok(())]);
        assert_eq!(
            outcomes(&[(3, Errno::EBUSY)]),
            [Err((3, Errno::EBUSY)), Ok(())]
        );
    }

    #[test]
    fn a_refusal_of_the_whole_is_told_at_once_and_answers_nothing_later() {
        let refused = [(0, Errno::ERESTART)];
        assert_eq!(outcomes(&refused), [Err((0, Errno::ERESTART)), Ok(())]);
    }
}
