//! A blocking netlink socket with a receive timeout.
//!
//! The kernel executes a request inside `send`, so its answer is already queued when `send` returns; sending
//! many requests ahead would overlap nothing. Each call therefore sends one message and reads until the answer with
//! its sequence number, skipping what an earlier, timed-out call left behind.

use std::{io, os::fd::OwnedFd, time::Duration};

use netlink_packet_core::{
    Emitable, NLM_F_ACK, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST,
    NLMSG_DONE, NLMSG_ERROR,
};
use netlink_sys::{Socket as RawSocket, SocketAddr, protocols};
use nix::{
    errno::Errno,
    sys::{
        socket::{setsockopt, sockopt},
        time::TimeVal,
    },
};

use crate::{
    attribute::{array, attributes},
    counters::Counter,
    error::Failure,
    ioctl::{driver_of, namespace_of},
    message::{Message, messages},
    own,
};

mod transaction;

pub(crate) use transaction::Request;

/// A netlink answer is queued before `send` returns, so this is only reached when the kernel is stuck.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Acknowledgements and events are charged at the size of their buffers; the default of 208 KiB holds few.
const RECEIVE_BUFFER: usize = 1 << 20;
/// Dump messages are at most 32 KiB; a single object may be larger (a NIC with many virtual functions).
const MESSAGE_BUFFER: usize = 64 << 10;
/// A table that changes during a dump tears it (`NLM_F_DUMP_INTR`); it is then read again, this often.
const DUMP_ATTEMPTS: usize = 16;

const NLMSGERR_ATTR_MSG: u16 = 1;
const NLMSG_HEADER: usize = 16;

/// One netlink protocol in one network namespace; stays in the namespace where it was opened.
#[derive(Debug)]
pub(crate) struct Socket {
    transport: Box<dyn Transport>,
    sequence: u32,
    buffer: usize,
    counter: Counter,
    _port: Option<own::Port>,
}

/// What carries the messages: the kernel, or the script of a test.
trait Transport: std::fmt::Debug + Send {
    fn send(&mut self, message: &[u8]) -> io::Result<()>;
    /// Appends one datagram and returns its length, which is larger than the room when it was cut short.
    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize>;
    /// The network namespace that it is in.
    fn namespace(&self) -> io::Result<OwnedFd>;
    /// Driver and bus address of a link.
    fn driver_of(&self, _name: &str) -> io::Result<(String, String)> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Transport for RawSocket {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match RawSocket::send(self, message, 0) {
            // A transaction is one datagram, which has to fit into the buffer as a whole.
            Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => {
                grow_send_buffer(self, message.len() * 2).map_err(io::Error::from)?;
                RawSocket::send(self, message, 0)
            }
            sent => sent,
        }
        .map(|_| ())
    }

    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        self.recv(buffer, libc::MSG_TRUNC)
    }

    fn namespace(&self) -> io::Result<OwnedFd> {
        Ok(namespace_of(self)?)
    }

    fn driver_of(&self, name: &str) -> io::Result<(String, String)> {
        Ok(driver_of(self, name)?)
    }
}

impl Socket {
    /// Opens a socket of `protocol` in the calling thread's network namespace.
    pub(crate) fn open(protocol: isize) -> Result<Self, Failure> {
        let mut raw = RawSocket::new(protocol)?;
        let port = raw.bind_auto()?.port_number();
        raw.connect(&SocketAddr::new(0, 0))?;
        raw.set_ext_ack(true)?;
        raw.set_cap_ack(true)?;
        if protocol == protocols::NETLINK_ROUTE {
            raw.set_netlink_get_strict_chk(true)?;
        }
        let seconds = i64::try_from(TIMEOUT.as_secs()).unwrap_or(i64::MAX);
        setsockopt(&raw, sockopt::ReceiveTimeout, &TimeVal::new(seconds, 0))?;
        grow_receive_buffer(&raw, RECEIVE_BUFFER)?;
        Ok(Self {
            transport: Box::new(raw),
            sequence: 0,
            buffer: MESSAGE_BUFFER,
            counter: Counter::default(),
            _port: Some(own::Port::register(protocol, port)),
        })
    }

    /// The network namespace that it is in, whatever became of its name.
    pub(crate) fn namespace(&self) -> Result<OwnedFd, Failure> {
        Ok(self.transport.namespace()?)
    }

    /// Driver and bus address of the link `name` in that namespace; empty where the driver tells none.
    pub(crate) fn driver_of(&self, name: &str) -> Result<(String, String), Failure> {
        Ok(self.transport.driver_of(name)?)
    }

    /// Counts together with others from now on.
    pub(crate) fn count_by(&mut self, counter: &Counter) {
        self.counter = counter.clone();
    }

    /// What its messages are counted by.
    pub(crate) fn counter(&self) -> &Counter {
        &self.counter
    }

    /// Sends a request and waits for its acknowledgement.
    pub(crate) fn request(&mut self, kind: u16, flags: u16, body: &[u8]) -> Result<(), Failure> {
        self.counter.change();
        self.exchange(kind, NLM_F_ACK | flags, body, |_| {})
            .map(|_| ())
    }

    /// Sends a request and returns the body of its one answer.
    pub(crate) fn get(&mut self, kind: u16, body: &[u8]) -> Result<Vec<u8>, Failure> {
        self.counter.read();
        let mut answer = None;
        self.exchange(kind, NLM_F_ACK, body, |message| {
            answer = Some(message.body.to_vec());
        })?;
        answer.ok_or_else(|| Failure::malformed("an acknowledgement without an answer"))
    }

    /// Reads a whole table, again when it changed meanwhile. `read` sees each message once per attempt and
    /// gives one object; objects of a torn attempt are dropped.
    pub(crate) fn dump<T>(
        &mut self,
        kind: u16,
        body: &[u8],
        mut read: impl FnMut(&Message<'_>) -> Option<T>,
    ) -> Result<Vec<T>, Failure> {
        for pause in (0..).take(DUMP_ATTEMPTS).map(Duration::from_millis) {
            // On a small machine whoever changes the table may wait for the processor that we hold.
            std::thread::sleep(pause);
            self.counter.read();
            let mut objects = Vec::new();
            let whole = self.exchange(kind, NLM_F_DUMP, body, |message| {
                objects.extend(read(message));
            })?;
            if whole {
                return Ok(objects);
            }
        }
        Err(Failure {
            errno: Errno::EINTR,
            text: Some(format!(
                "the table changed during each of {DUMP_ATTEMPTS} reads"
            )),
        })
    }

    /// Sends one message and reads to its end. `false` when a dump came out torn.
    fn exchange(
        &mut self,
        kind: u16,
        flags: u16,
        body: &[u8],
        mut each: impl FnMut(&Message<'_>),
    ) -> Result<bool, Failure> {
        self.sequence = self.sequence.wrapping_add(1);
        let request = Message {
            kind,
            flags: NLM_F_REQUEST | flags,
            sequence: self.sequence,
            port: 0,
            body,
        };
        self.transport.send(&request.to_bytes()?)?;
        let mut whole = true;
        let mut buffer = Vec::with_capacity(self.buffer);
        loop {
            // A datagram that was cut short is noticed, but read on: the kernel refuses the next dump with EBUSY
            // until the last message of this one was taken.
            whole &= self.receive(&mut buffer)?;
            for message in messages(&buffer).filter(|message| message.sequence == self.sequence) {
                whole &= message.flags & NLM_F_DUMP_INTR == 0;
                match message.kind {
                    NLMSG_ERROR | NLMSG_DONE => return refusal(&message).map_or(Ok(whole), Err),
                    _ => each(&message),
                }
            }
        }
    }

    /// Reads one datagram; `false` when it did not fit, and the next one will have the room.
    fn receive(&mut self, buffer: &mut Vec<u8>) -> Result<bool, Failure> {
        buffer.clear();
        buffer.reserve(self.buffer);
        let room = buffer.capacity();
        loop {
            match self.transport.receive(buffer).map_err(Failure::from) {
                Ok(length) if length <= room => return Ok(true),
                Ok(length) => {
                    self.buffer = length.next_power_of_two();
                    return Ok(false);
                }
                Err(failure) if failure.errno == Errno::EINTR => {}
                Err(failure) if failure.errno == Errno::EAGAIN => {
                    return Err(Failure {
                        errno: Errno::ETIMEDOUT,
                        text: Some(format!(
                            "no answer from the kernel in {} s",
                            TIMEOUT.as_secs()
                        )),
                    });
                }
                Err(failure) => return Err(failure),
            }
        }
    }
}

/// Raises the receive buffer, beyond `net.core.rmem_max` where we may.
pub(crate) fn grow_receive_buffer(raw: &RawSocket, size: usize) -> Result<(), Failure> {
    if setsockopt(raw, sockopt::RcvBufForce, &size).is_err() {
        setsockopt(raw, sockopt::RcvBuf, &size)?;
    }
    Ok(())
}

/// Raises the send buffer, beyond `net.core.wmem_max` where we may.
fn grow_send_buffer(raw: &RawSocket, size: usize) -> nix::Result<()> {
    setsockopt(raw, sockopt::SndBufForce, &size)
        .or_else(|_| setsockopt(raw, sockopt::SndBuf, &size))
}

/// The bytes of a request body made of `netlink-packet-*` types.
pub(crate) fn bytes(body: &impl Emitable) -> Vec<u8> {
    let mut bytes = vec![0; body.buffer_len()];
    body.emit(&mut bytes);
    bytes
}

/// The errno and text of an `NLMSG_ERROR` or `NLMSG_DONE`; `None` when it reports success.
fn refusal(message: &Message<'_>) -> Option<Failure> {
    let code = array(message.body, 0).map_or(0, i32::from_ne_bytes);
    if code == 0 {
        return None;
    }
    // With NETLINK_CAP_ACK an error repeats the header of the request only; DONE repeats nothing.
    let skip = match message.kind {
        NLMSG_ERROR if message.flags & NLM_F_CAPPED != 0 => 4 + NLMSG_HEADER,
        NLMSG_ERROR => {
            4 + array(message.body, 4).map_or(NLMSG_HEADER, |length| {
                usize::try_from(u32::from_ne_bytes(length))
                    .unwrap_or(NLMSG_HEADER)
                    .next_multiple_of(4)
            })
        }
        _ => 4,
    };
    let text = (message.flags & NLM_F_ACK_TLVS != 0)
        .then(|| attributes(message.body, skip).find(|found| found.kind == NLMSGERR_ATTR_MSG))
        .flatten()
        .map(super::attribute::Attribute::text);
    Some(Failure {
        errno: Errno::from_raw(code.wrapping_neg()),
        text,
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, io, os::fd::OwnedFd};

    use netlink_packet_core::{NLM_F_DUMP_INTR, NLMSG_DONE};

    use super::{DUMP_ATTEMPTS, MESSAGE_BUFFER, Socket, Transport};
    use crate::{counters::Counter, message::Message};

    const OBJECT: u16 = 100;

    /// Answers the next request with the next list of objects, each message with the flags beside it.
    #[derive(Debug)]
    struct Script {
        answers: VecDeque<Vec<(u8, u16)>>,
        queue: VecDeque<Vec<u8>>,
        /// Numbers requests as the socket does.
        sequence: u32,
    }

    impl Transport for Script {
        fn send(&mut self, _: &[u8]) -> io::Result<()> {
            self.sequence += 1;
            let objects = self.answers.pop_front().unwrap();
            let message = |kind, flags, body: &[u8]| {
                Message {
                    kind,
                    flags,
                    sequence: self.sequence,
                    port: 0,
                    body,
                }
                .to_bytes()
                .unwrap()
            };
            let torn = objects.iter().fold(0, |all, (_, flags)| all | flags);
            let mut queue: VecDeque<_> = objects
                .iter()
                .map(|(object, flags)| message(OBJECT, *flags, &[*object; 4]))
                .collect();
            queue.push_back(message(NLMSG_DONE, torn, &[0; 4]));
            self.queue = queue;
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

    fn dump(answers: impl IntoIterator<Item = Vec<(u8, u16)>>) -> Result<Vec<u8>, String> {
        let script = Script {
            answers: answers.into_iter().collect(),
            queue: VecDeque::new(),
            sequence: 0,
        };
        let mut socket = Socket {
            transport: Box::new(script),
            sequence: 0,
            buffer: MESSAGE_BUFFER,
            counter: Counter::default(),
            _port: None,
        };
        let read = socket.dump(OBJECT, &[], |message| message.body.first().copied());
        read.map_err(|failure| format!("{:?}: {}", failure.errno, failure.text.unwrap_or_default()))
    }

    #[test]
    fn a_torn_dump_is_read_again_and_its_objects_are_dropped() {
        let torn = vec![(1, 0), (2, NLM_F_DUMP_INTR)];
        assert_eq!(
            dump([torn.clone(), torn, vec![(3, 0), (4, 0)]]),
            Ok(vec![3, 4])
        );
    }

    #[test]
    fn a_dump_that_is_always_torn_is_refused() {
        let torn = std::iter::repeat_n(vec![(1, NLM_F_DUMP_INTR)], DUMP_ATTEMPTS);
        let reason = "EINTR: the table changed during each of 16 reads".to_owned();
        assert_eq!(dump(torn), Err(reason));
    }
}
