//! Whether hosts answer, asked from a link of a network namespace.

use std::{
    ffi::OsString,
    net::{IpAddr, SocketAddr},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::Path,
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{
        AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrIn6,
        connect, getsockopt, recv, send, setsockopt, socket, sockopt,
    },
};
use rand::{TryRngCore as _, rngs::OsRng};
use serde::Serialize;

use crate::{
    error::{At, Error, Failure, Result},
    netns::inside,
    sockets::json,
};

const OP: &str = "reach.open";
/// `struct icmphdr` without data; that of `ICMPv6` has the same fields.
const ECHO: usize = 8;
/// Larger than any IPv4 header and an echo of ours.
const ANSWER: usize = 128;

/// Hosts that were asked and have not all answered. Nothing here waits: whoever asks looks again.
#[derive(Debug)]
pub struct Reach {
    asked: Vec<Asked>,
}

#[derive(Debug)]
enum Asked {
    /// Its connection is on the way.
    Connecting(OwnedFd),
    /// An echo request with this identifier was sent.
    Echoing(OwnedFd, IpAddr, u16),
    Done(Outcome),
}

/// What came of one; `passed` is null while nothing did.
#[derive(Debug, Clone, Serialize)]
struct Outcome {
    passed: Option<bool>,
    why: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Target {
    Tcp(SocketAddr),
    Icmp(IpAddr),
}

impl Reach {
    /// Asks all of `targets` (`tcp://192.0.2.1:443`, `icmp://2001:db8::1`) by the link `dev` of the namespace at `netns`. One that cannot
    /// be asked has its answer at once.
    pub fn open(netns: Option<&str>, dev: &str, targets: &[String]) -> Result<Self> {
        let targets = targets
            .iter()
            .map(|text| {
                parse(text).ok_or_else(|| {
                    Error::invalid(OP, text, "not tcp://ADDRESS:PORT or icmp://ADDRESS")
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let ask_all = || Ok(targets.iter().map(|target| ask(dev, *target)).collect());
        let asked = inside(netns.map(Path::new), ask_all).at(OP, dev)?;
        Ok(Self { asked })
    }

    /// What is known by now: a JSON array of `{passed, why}`, one for each target.
    pub fn look(&mut self) -> Result<String> {
        let known: Vec<Outcome> = self.asked.iter_mut().map(Asked::look).collect();
        json("reach.look", "targets", &known)
    }
}

impl Asked {
    fn look(&mut self) -> Outcome {
        let answer = match self {
            Self::Done(outcome) => return outcome.clone(),
            Self::Connecting(socket) => connected(socket),
            Self::Echoing(socket, from, id) => echoed(socket, *from, *id),
        };
        let Some(answer) = answer.transpose() else {
            return Outcome {
                passed: None,
                why: None,
            };
        };
        let outcome = outcome(answer);
        *self = Self::Done(outcome.clone());
        outcome
    }
}

fn outcome(answer: Result<(), Errno>) -> Outcome {
    Outcome {
        passed: Some(answer.is_ok()),
        why: answer.err().map(|errno| errno.desc().to_owned()),
    }
}

fn parse(text: &str) -> Option<Target> {
    if let Some(address) = text.strip_prefix("tcp://") {
        return address.parse().ok().map(Target::Tcp);
    }
    text.strip_prefix("icmp://")?.parse().ok().map(Target::Icmp)
}

fn ask(dev: &str, target: Target) -> Asked {
    let asked = match target {
        Target::Tcp(to) => call(dev, to),
        Target::Icmp(to) => echo(dev, to),
    };
    asked.unwrap_or_else(|failure: Failure| Asked::Done(outcome(Err(failure.errno))))
}

fn open(dev: &str, to: IpAddr, kind: SockType, protocol: SockProtocol) -> Result<OwnedFd, Failure> {
    let family = match to {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket(family, kind, flags, protocol)?;
    setsockopt(&socket, sockopt::BindToDevice, &OsString::from(dev))?;
    Ok(socket)
}

fn connect_to(socket: &OwnedFd, to: SocketAddr) -> Result<(), Errno> {
    match to {
        SocketAddr::V4(to) => connect(socket.as_raw_fd(), &SockaddrIn::from(to)),
        SocketAddr::V6(to) => connect(socket.as_raw_fd(), &SockaddrIn6::from(to)),
    }
}

fn call(dev: &str, to: SocketAddr) -> Result<Asked, Failure> {
    let socket = open(dev, to.ip(), SockType::Stream, SockProtocol::Tcp)?;
    match connect_to(&socket, to) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(Asked::Connecting(socket)),
        Err(errno) => Err(errno.into()),
    }
}

fn echo(dev: &str, to: IpAddr) -> Result<Asked, Failure> {
    let (protocol, kind) = match to {
        IpAddr::V4(_) => (SockProtocol::Icmp, 8),
        // The kernel writes the checksum of these itself (RFC 3542, 3.1).
        IpAddr::V6(_) => (SockProtocol::IcmpV6, 128),
    };
    let socket = open(dev, to, SockType::Raw, protocol)?;
    connect_to(&socket, SocketAddr::new(to, 0))?;
    let mut random = [0; 2];
    OsRng
        .try_fill_bytes(&mut random)
        .map_err(|_| Failure::from(Errno::EAGAIN))?;
    let id = u16::from_ne_bytes(random);
    send(socket.as_raw_fd(), &request(kind, id), MsgFlags::empty())?;
    Ok(Asked::Echoing(socket, to, id))
}

/// An echo request (RFC 792, RFC 4443): type, code, checksum, identifier, sequence number.
fn request(kind: u8, id: u16) -> [u8; ECHO] {
    let [high, low] = id.to_be_bytes();
    // The sum of 16-bit words in one's complement; there are only two that are not 0.
    let sum = u32::from(u16::from_be_bytes([kind, 0])) + u32::from(id);
    let folded = (sum & 0xffff) + (sum >> 16);
    let [first, second] = u16::try_from(folded).map_or([0; 2], |sum| (!sum).to_be_bytes());
    [kind, 0, first, second, high, low, 0, 0]
}

/// `None` while the connection is on the way.
fn connected(socket: &OwnedFd) -> Result<Option<()>, Errno> {
    if !is_ready(socket, PollFlags::POLLOUT)? {
        return Ok(None);
    }
    match getsockopt(socket, sockopt::SocketError)? {
        0 => Ok(Some(())),
        error => Err(Errno::from_raw(error)),
    }
}

/// `None` while there is no answer to the request.
fn echoed(socket: &OwnedFd, from: IpAddr, id: u16) -> Result<Option<()>, Errno> {
    while is_ready(socket, PollFlags::POLLIN)? {
        let mut buffer = [0; ANSWER];
        let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        if is_answer(buffer.get(..length).unwrap_or_default(), from, id) {
            return Ok(Some(()));
        }
    }
    Ok(None)
}

/// An echo reply to our request; that of IPv4 comes with its IP header.
fn is_answer(packet: &[u8], from: IpAddr, id: u16) -> bool {
    let (header, reply) = match from {
        IpAddr::V4(_) => (
            packet
                .first()
                .map_or(0, |first| usize::from(first & 0xf) * 4),
            0,
        ),
        IpAddr::V6(_) => (0, 129),
    };
    let [high, low] = id.to_be_bytes();
    matches!(packet.get(header..), Some([kind, _, _, _, a, b, ..]) if (*kind, *a, *b) == (reply, high, low))
}

fn is_ready(socket: &OwnedFd, wanted: PollFlags) -> Result<bool, Errno> {
    let mut waited = [PollFd::new(socket.as_fd(), wanted)];
    Ok(poll(&mut waited, PollTimeout::ZERO)? > 0)
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread::sleep, time::Duration};

    use super::*;
    use crate::ns::Netns;

    #[test]
    fn targets_are_read_strictly() {
        let tcp = parse("tcp://[2001:db8::1]:443");
        assert_eq!(tcp, Some(Target::Tcp("[2001:db8::1]:443".parse().unwrap())));
        assert_eq!(
            parse("icmp://192.0.2.1"),
            Some(Target::Icmp("192.0.2.1".parse().unwrap()))
        );
        for bad in [
            "tcp://192.0.2.1",
            "icmp://192.0.2.1:7",
            "udp://192.0.2.1:53",
            "tcp://name:80",
            "",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_checksum_of_a_request_is_right() {
        for id in [0, 1, 0xf7ff, 0xf800, 0xffff] {
            let bytes = request(8, id);
            let words = bytes
                .chunks_exact(2)
                .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
            let sum: u32 = words.sum();
            assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff, "{id}");
        }
    }

    #[test]
    fn other_packets_are_no_answer() {
        let from = "192.0.2.1".parse().unwrap();
        let mut packet = vec![0x45; 20];
        packet.extend([0, 0, 0, 0, 1, 2, 0, 0]);
        assert!(is_answer(&packet, from, 0x0102));
        assert!(!is_answer(&packet, from, 0x0103));
        assert!(!is_answer(&packet[..22], from, 0x0102));
        assert!(!is_answer(&[], from, 0));
    }

    #[test]
    fn who_listens_answers_and_who_does_not_refuses() {
        // A namespace of its own, whose `lo` is up.
        let known = Netns::new().unwrap().inside(|| {
            let (listener, closed) = (
                TcpListener::bind("127.0.0.1:0")?,
                TcpListener::bind("127.0.0.1:0")?,
            );
            let [open, shut] = [&listener, &closed].map(|one| one.local_addr().unwrap());
            drop(closed);
            let targets = [
                format!("tcp://{open}"),
                format!("tcp://{shut}"),
                "icmp://127.0.0.1".to_owned(),
            ];
            let mut reach = Reach::open(None, "lo", &targets).unwrap();
            let mut known = reach.look().unwrap();
            for _ in 0..100 {
                if !known.contains("null,\"why\":null") {
                    break;
                }
                sleep(Duration::from_millis(10));
                known = reach.look().unwrap();
            }
            Ok(known)
        });
        let expected = r#"[{"passed":true,"why":null},{"passed":false,"why":"Connection refused"},{"passed":true,"why":null}]"#;
        assert_eq!(known.unwrap(), expected);
    }

    #[test]
    fn a_link_that_is_not_there_is_an_answer() {
        let mut reach = Reach::open(None, "nowhere0", &["tcp://127.0.0.1:9".to_owned()]).unwrap();
        let known = reach.look().unwrap();
        assert!(
            known.starts_with(r#"[{"passed":false,"why":"No such device"#),
            "{known}"
        );
    }
}
