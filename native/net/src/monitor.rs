//! Two sockets and one thread that hear of changes in every namespace that this one knows by an id.

use std::{
    io::IoSliceMut,
    os::fd::{AsFd, AsRawFd},
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use netlink_sys::{
    Socket as RawSocket,
    protocols::{NETLINK_NETFILTER, NETLINK_ROUTE},
};
use nix::{
    errno::Errno,
    fcntl::OFlag,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::{CloneFlags, setns},
    sys::{
        eventfd::{EfdFlags, EventFd},
        socket::{ControlMessageOwned, MsgFlags, cmsg_space, recvmsg},
        stat::Mode,
    },
};

use crate::{
    attribute::array,
    error::{At, Failure, Result},
    event::{Event, parse},
    message::messages,
    socket::grow_receive_buffer,
};

const OP: &str = "monitor.open";
/// `RTNLGRP_*`: links, neighbours, addresses, routes and rules of both families, namespace ids.
const ROUTE_GROUPS: [u32; 9] = [1, 3, 5, 7, 8, 9, 11, 19, 28];
/// `NFNLGRP_NFTABLES`: one message more than its parts after every transaction.
const NFT_GROUPS: [u32; 1] = [7];
/// A burst of this size is survived while JS is busy; beyond it the kernel reports ENOBUFS.
const RECEIVE_BUFFER: usize = 8 << 20;
const MESSAGE_BUFFER: usize = 64 << 10;
/// How soon a lost event is reported again when the receiver had no room.
const RETRY_MS: u16 = 100;
/// Datagrams taken before the stop signal is looked at again.
const BURST: usize = 256;

/// What the receiver of an event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It will be handled.
    Taken,
    /// No room now; an `overrun` follows when there is.
    Full,
    /// Nobody listens any more; the receiver is not called again.
    Gone,
}

/// A running monitor. Dropping it ends its thread.
#[derive(Debug)]
pub struct Monitor {
    stop: Arc<EventFd>,
    thread: Option<JoinHandle<()>>,
}

impl Monitor {
    /// Listens in the namespace at `netns` (or here) and in all that have an id there. `deliver` gets one JSON object an
    /// event, on the monitor's thread.
    pub fn open(
        netns: Option<&str>,
        deliver: impl FnMut(String) -> Delivery + Send + 'static,
    ) -> Result<Self> {
        let place = netns.unwrap_or("this namespace");
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let stop = Arc::new(EventFd::from_flags(flags).at(OP, place)?);
        let (ready, opened) = mpsc::sync_channel(1);
        let (path, stopped) = (netns.map(PathBuf::from), Arc::clone(&stop));
        // The thread may enter the namespace, because it does nothing else in its life.
        let body = move || match subscribe(path.as_deref()) {
            Ok(sockets) => {
                let _ = ready.send(Ok(()));
                // A socket failed for good: without it no event comes, so nothing is left to do here.
                let _ = Listener {
                    sockets,
                    deliver,
                    lost: false,
                }
                .run(&stopped);
            }
            Err(failure) => {
                let _ = ready.send(Err(failure));
            }
        };
        let thread = std::thread::Builder::new()
            .name("netloom-monitor".into())
            .spawn(body);
        let monitor = Self {
            stop,
            thread: Some(thread.at(OP, place)?),
        };
        let opened = opened
            .recv()
            .unwrap_or(Err(Failure::malformed("the monitor panicked")));
        opened.at(OP, place)?;
        Ok(monitor)
    }

    /// Ends the thread; when this returns, the receiver is not called again.
    pub fn close(&mut self) {
        // It can only fail with EAGAIN, when the signal was given already.
        let _ = self.stop.write(1);
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by its hook; there is nothing to clean up after it.
            let _ = thread.join();
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.close();
    }
}

fn subscribe(netns: Option<&std::path::Path>) -> Result<Vec<RawSocket>, Failure> {
    if let Some(path) = netns {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        setns(
            nix::fcntl::open(path, flags, Mode::empty())?,
            CloneFlags::CLONE_NEWNET,
        )?;
    }
    let mut sockets = vec![hear(NETLINK_ROUTE, &ROUTE_GROUPS)?];
    // A kernel without nftables has no rules that could change.
    match hear(NETLINK_NETFILTER, &NFT_GROUPS) {
        Ok(socket) => sockets.push(socket),
        Err(failure) if failure.errno == Errno::EPROTONOSUPPORT => {}
        Err(failure) => return Err(failure),
    }
    Ok(sockets)
}

fn hear(protocol: isize, groups: &[u32]) -> Result<RawSocket, Failure> {
    let mut socket = RawSocket::new(protocol)?;
    socket.bind_auto()?;
    socket.set_listen_all_namespaces(true)?;
    grow_receive_buffer(&socket, RECEIVE_BUFFER)?;
    for group in groups {
        socket.add_membership(*group)?;
    }
    Ok(socket)
}

/// The end of the loop.
struct Ended;

struct Listener<F> {
    sockets: Vec<RawSocket>,
    deliver: F,
    /// Events were lost and the receiver does not know yet.
    lost: bool,
}

impl<F: FnMut(String) -> Delivery> Listener<F> {
    fn run(mut self, stop: &EventFd) -> Result<(), Ended> {
        let mut buffer = vec![0; MESSAGE_BUFFER];
        loop {
            let timeout = if self.lost {
                PollTimeout::from(RETRY_MS)
            } else {
                PollTimeout::NONE
            };
            let waited = self.sockets.iter().map(RawSocket::as_fd);
            let mut ready: Vec<_> = std::iter::once(stop.as_fd())
                .chain(waited)
                .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
                .collect();
            match poll(&mut ready, timeout) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return Err(Ended),
            }
            if ready.first().and_then(PollFd::any).unwrap_or_default() {
                return Ok(());
            }
            if self.lost {
                self.lost = false;
                self.send(&Event::OVERRUN)?;
            }
            for socket in 0..self.sockets.len() {
                for _ in 0..BURST {
                    if !self.take(socket, &mut buffer)? {
                        break;
                    }
                }
            }
        }
    }

    /// Takes one datagram of a socket; `false` when there is none.
    fn take(&mut self, socket: usize, buffer: &mut [u8]) -> Result<bool, Ended> {
        let Some(socket) = self.sockets.get(socket).map(AsRawFd::as_raw_fd) else {
            return Ok(false);
        };
        let mut space = vec![0; cmsg_space::<i32>()];
        let mut parts = [IoSliceMut::new(buffer)];
        let flags = MsgFlags::MSG_DONTWAIT;
        let (length, whole, nsid) = match recvmsg::<()>(socket, &mut parts, Some(&mut space), flags)
        {
            Ok(got) => (
                got.bytes,
                !got.flags.contains(MsgFlags::MSG_TRUNC),
                nsid_of(&got),
            ),
            Err(Errno::EAGAIN) => return Ok(false),
            Err(Errno::EINTR) => return Ok(true),
            Err(Errno::ENOBUFS) => (0, false, None),
            Err(_) => return Err(Ended),
        };
        if !whole {
            self.send(&Event::OVERRUN)?;
        }
        for message in messages(buffer.get(..length).unwrap_or_default()) {
            if let Some(event) = parse(&message, nsid) {
                self.send(&event)?;
            }
        }
        Ok(true)
    }

    fn send(&mut self, event: &Event) -> Result<(), Ended> {
        let Ok(text) = serde_json::to_string(event) else {
            return Ok(());
        };
        match (self.deliver)(text) {
            Delivery::Taken => Ok(()),
            Delivery::Full => {
                self.lost = true;
                Ok(())
            }
            Delivery::Gone => Err(Ended),
        }
    }
}

/// With `NETLINK_LISTEN_ALL_NSID` each message says where it is from; one of our own namespace does not.
fn nsid_of(got: &nix::sys::socket::RecvMsg<'_, '_, ()>) -> Option<i32> {
    got.cmsgs().ok()?.find_map(|found| match found {
        ControlMessageOwned::Unknown(found)
            if found.cmsg_header.cmsg_level == libc::SOL_NETLINK
                && found.cmsg_header.cmsg_type == libc::NETLINK_LISTEN_ALL_NSID =>
        {
            array(&found.data_bytes, 0).map(i32::from_ne_bytes)
        }
        _ => None,
    })
}
