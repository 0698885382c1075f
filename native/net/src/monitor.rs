//! Two sockets and one thread that hear of changes in every namespace that this one knows by an id.

use std::{
    io::IoSliceMut,
    os::fd::{AsFd, AsRawFd},
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        eventfd::{EfdFlags, EventFd},
        socket::{ControlMessageOwned, MsgFlags, cmsg_space, recvmsg},
    },
};

use crate::{
    attribute::array,
    digest::Fold,
    error::{At, Failure, Result},
    event::{Event, parse},
    message::messages,
    monitor_groups::{Ear, Groups, subscribe},
    own,
};

pub(crate) const OP: &str = "monitor.open";
/// A burst of this size is survived while JS is busy; beyond it the kernel reports ENOBUFS.
const RECEIVE_BUFFER: usize = 8 << 20;
const MESSAGE_BUFFER: usize = 64 << 10;
/// How soon a lost event is reported again when the receiver had no room.
const RETRY: Duration = Duration::from_millis(100);
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
        let lost = None;
        Self::start(netns, Groups::all(), RECEIVE_BUFFER, Each { deliver, lost })
    }

    /// The same for `groups` (`link`, `address`, `route`, `rule`, `neighbour`, `nsid`, `router`, `nft`), with one JSON object for all events
    /// up to a pause of 10 ms, at most 50 ms after the first of them:
    /// `{"overrun":false,"own":0,"dirty":[{"nsid":null,"kinds":["link"],"names":["br0"],"actors":[]}]}`.
    ///
    /// `own` counts what our own requests caused; it marks nothing dirty. An actor is `{"pid","program","kind"}`; a `program` that
    /// ended before it could be asked is `null`. The kernel says who changed addresses, routes, rules and nftables; of
    /// links and neighbours it does not (port 0), so those have no actor, and ours count like everybody's.
    pub fn digests(
        netns: Option<&str>,
        groups: &[String],
        deliver: impl FnMut(String) -> Delivery + Send + 'static,
    ) -> Result<Self> {
        let groups = Groups::named(groups)?;
        Self::start(netns, groups, RECEIVE_BUFFER, Fold::new(deliver))
    }

    fn start(
        netns: Option<&str>,
        groups: Groups,
        receive_buffer: usize,
        sink: impl Sink + 'static,
    ) -> Result<Self> {
        let place = netns.unwrap_or("this namespace");
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let stop = Arc::new(EventFd::from_flags(flags).at(OP, place)?);
        let (ready, opened) = mpsc::sync_channel(1);
        let (path, stopped) = (netns.map(PathBuf::from), Arc::clone(&stop));
        // The thread may enter the namespace, because it does nothing else in its life.
        let body = move || match subscribe(path.as_deref(), &groups, receive_buffer) {
            Ok(sockets) => {
                let _ = ready.send(Ok(()));
                // A socket failed for good: without it no event comes, so nothing is left to do here.
                let _ = Listener {
                    sockets,
                    netns: own::here(),
                    sink,
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

/// The end of the loop.
pub(crate) struct Ended;

/// An event and who asked for it.
pub(crate) struct Heard {
    pub(crate) event: Event,
    /// Netlink port of the requester: usually its process id.
    pub(crate) port: u32,
    /// It was one of our own sockets.
    pub(crate) own: bool,
}

/// What becomes of events.
pub(crate) trait Sink: Send {
    fn event(&mut self, heard: Heard) -> Result<(), Ended>;
    /// Events were lost.
    fn overrun(&mut self) -> Result<(), Ended>;
    /// When [`Sink::flush`] is to be called, unless something comes before.
    fn due(&self) -> Option<Instant>;
    fn flush(&mut self) -> Result<(), Ended>;
}

/// Gives each event as it comes.
struct Each<F> {
    deliver: F,
    /// When to say that events were lost, which the receiver does not know yet.
    lost: Option<Instant>,
}

impl<F: FnMut(String) -> Delivery> Each<F> {
    fn send(&mut self, event: &Event) -> Result<(), Ended> {
        let Ok(text) = serde_json::to_string(event) else {
            return Ok(());
        };
        match (self.deliver)(text) {
            Delivery::Taken => Ok(()),
            Delivery::Full => {
                self.lost = Some(Instant::now() + RETRY);
                Ok(())
            }
            Delivery::Gone => Err(Ended),
        }
    }
}

impl<F: FnMut(String) -> Delivery + Send> Sink for Each<F> {
    fn event(&mut self, heard: Heard) -> Result<(), Ended> {
        self.send(&heard.event)
    }

    fn overrun(&mut self) -> Result<(), Ended> {
        self.send(&Event::OVERRUN)
    }

    fn due(&self) -> Option<Instant> {
        self.lost
    }

    fn flush(&mut self) -> Result<(), Ended> {
        self.lost = None;
        self.overrun()
    }
}

struct Listener<S> {
    sockets: Vec<Ear>,
    /// Inode of the namespace listened in.
    netns: u64,
    sink: S,
}

impl<S: Sink> Listener<S> {
    fn run(mut self, stop: &EventFd) -> Result<(), Ended> {
        let mut buffer = vec![0; MESSAGE_BUFFER];
        loop {
            let due = self.sink.due();
            let left = due.map(|due| due.saturating_duration_since(Instant::now()));
            // Rounded up, or the last millisecond would be spent polling.
            let timeout = left.map_or(PollTimeout::NONE, |left| {
                PollTimeout::from(u16::try_from(left.as_millis() + 1).unwrap_or(u16::MAX))
            });
            let waited = self.sockets.iter().map(|ear| ear.socket.as_fd());
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
            for socket in 0..self.sockets.len() {
                for _ in 0..BURST {
                    if !self.take(socket, &mut buffer)? {
                        break;
                    }
                }
            }
            if self.sink.due().is_some_and(|due| due <= Instant::now()) {
                self.sink.flush()?;
            }
        }
    }

    /// Takes one datagram of a socket; `false` when there is none.
    fn take(&mut self, socket: usize, buffer: &mut [u8]) -> Result<bool, Ended> {
        let Some(Ear { protocol, socket }) = self.sockets.get(socket) else {
            return Ok(false);
        };
        let mut space = vec![0; cmsg_space::<i32>()];
        let mut parts = [IoSliceMut::new(buffer)];
        let flags = MsgFlags::MSG_DONTWAIT;
        let got = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags);
        let (length, whole, nsid) = match got {
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
            self.sink.overrun()?;
        }
        for message in messages(buffer.get(..length).unwrap_or_default()) {
            if let Some(event) = parse(&message, nsid) {
                let port = message.port;
                let own = own::is_own(self.netns, nsid, *protocol, port);
                self.sink.event(Heard { event, port, own })?;
            }
        }
        Ok(true)
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

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::{Delivery, Fold, Groups, Monitor};
    use crate::{ns::Netns, sockets::Sockets};

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn lost_events_are_told_when_the_receiver_is_back() {
        // Users who may not make a namespace cannot make events either.
        let Ok(netns) = Netns::new() else { return };
        let path = netns.reachable();
        let (sender, digests) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let deliver = move |text: String| {
            sender.send(text).unwrap();
            // Held back until the test says so; free for ever once it has dropped its end.
            let _ = released.recv();
            Delivery::Taken
        };
        let groups = Groups::named(&["link".to_owned()]).unwrap();
        let monitor = Monitor::start(Some(&path), groups, 4 << 10, Fold::new(deliver));
        let _monitor = monitor.unwrap();
        let sockets = Sockets::open(Some(&path)).unwrap();
        let make = |name: &str| {
            let request =
                format!(r#"[{{"op":"link.add","type":"bridge","name":"{name}","group":0}}]"#);
            let outcome = sockets.batch(&request).unwrap();
            assert!(outcome.contains(r#""ok":true"#), "{outcome}");
        };
        make("first");
        let first = digests.recv_timeout(PATIENCE).unwrap();
        assert!(first.contains(r#""overrun":false"#), "{first}");
        // Far more than the socket holds, while nobody reads it.
        for number in 0..100 {
            make(&format!("b{number}"));
        }
        drop(release);
        let lost = digests.recv_timeout(PATIENCE).unwrap();
        assert!(lost.contains(r#""overrun":true"#), "{lost}");
        make("last");
        let after = digests.recv_timeout(PATIENCE).unwrap();
        assert!(after.contains(r#""overrun":false"#), "{after}");
        assert!(after.contains(r#""names":["last"]"#), "{after}");
    }
}
