//! Many events as one message: what is dirty where, and who did it. A burst costs its receiver one call.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fs,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    event::Event,
    monitor::{Delivery, Ended, Heard, Sink},
    nduseropt::RouterOption,
};

/// A digest is given after this much quiet...
const QUIET: Duration = Duration::from_millis(10);
/// ...and no later than this after its first event.
const LATEST: Duration = Duration::from_millis(50);
/// How soon a digest is offered again when the receiver had no room.
const RETRY: Duration = Duration::from_millis(100);
/// A crowd in one digest is not told apart any further.
const ACTORS: usize = 32;
/// Of router advertisements; whoever sends more of them in a moment is not heard.
const OPTIONS: usize = 64;

/// What happened since the last digest.
#[derive(Debug, Default, Serialize)]
struct Digest {
    /// Events were lost: everything is dirty.
    overrun: bool,
    /// Events that answered our own requests. They mark nothing.
    own: u64,
    dirty: Vec<Dirty>,
}

/// Changes in one namespace.
#[derive(Debug, Default, Serialize)]
struct Dirty {
    /// `None` is the monitor's own.
    nsid: Option<i32>,
    kinds: BTreeSet<&'static str>,
    /// Names of links concerned.
    names: BTreeSet<String>,
    actors: BTreeSet<Actor>,
    /// What router advertisements brought, in the order in which they came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<RouterOption>,
}

/// A process that changed something.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Actor {
    pid: u32,
    /// Its name, when it was still there to be asked.
    program: Option<String>,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// Collects events and gives a digest of them as JSON.
pub(crate) struct Fold<F> {
    deliver: F,
    overrun: bool,
    own: u64,
    dirty: BTreeMap<Option<i32>, Dirty>,
    /// When the first event came that the receiver has not heard of.
    since: Option<Instant>,
    due: Option<Instant>,
    programs: BTreeMap<u32, Option<String>>,
}

impl<F: FnMut(String) -> Delivery + Send> Fold<F> {
    pub(crate) const fn new(deliver: F) -> Self {
        Self {
            deliver,
            overrun: false,
            own: 0,
            dirty: BTreeMap::new(),
            since: None,
            due: None,
            programs: BTreeMap::new(),
        }
    }

    fn touch(&mut self) {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        self.due = Some((now + QUIET).min(since + LATEST));
    }

    /// The process behind an event. Names are asked for at once, since a program like `ip` is gone a moment later.
    fn actor(&mut self, heard: &Heard) -> Option<Actor> {
        let Event { r#type, name, .. } = &heard.event;
        let (pid, program) = match &heard.event.actor {
            Some((pid, program)) => (*pid, Some(program.clone())),
            None => (heard.port, self.program(heard.port)),
        };
        // The kernel is port 0, and so is what it says of links and neighbours. A second socket of a process has a number below 0, which names nobody. Changes by sockets of
        // ours that are closed by now are ours as well.
        let somebody = i32::try_from(pid).is_ok_and(|pid| pid > 0) && pid != std::process::id();
        somebody.then(|| Actor {
            pid,
            program,
            kind: r#type,
            name: name.clone(),
        })
    }

    fn program(&mut self, pid: u32) -> Option<String> {
        match self.programs.entry(pid) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => {
                let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok();
                unknown
                    .insert(name.map(|name| name.trim_end().to_owned()))
                    .clone()
            }
        }
    }
}

impl<F: FnMut(String) -> Delivery + Send> Sink for Fold<F> {
    fn event(&mut self, heard: Heard) -> Result<(), Ended> {
        if heard.own {
            self.own += 1;
            return Ok(());
        }
        let actor = self.actor(&heard);
        let Event {
            nsid,
            r#type,
            name,
            option,
            ..
        } = heard.event;
        let dirty = self.dirty.entry(nsid).or_default();
        dirty.nsid = nsid;
        dirty.kinds.insert(r#type);
        dirty.names.extend(name);
        if dirty.actors.len() < ACTORS {
            dirty.actors.extend(actor);
        }
        if dirty.options.len() < OPTIONS {
            dirty.options.extend(option);
        }
        self.touch();
        Ok(())
    }

    fn overrun(&mut self) -> Result<(), Ended> {
        self.overrun = true;
        self.touch();
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        self.due
    }

    fn flush(&mut self) -> Result<(), Ended> {
        let digest = Digest {
            overrun: self.overrun,
            own: self.own,
            dirty: std::mem::take(&mut self.dirty).into_values().collect(),
        };
        let Ok(text) = serde_json::to_string(&digest) else {
            return Err(Ended);
        };
        match (self.deliver)(text) {
            Delivery::Taken => {
                (self.overrun, self.own, self.since, self.due) = (false, 0, None, None);
                // Process ids are used again.
                self.programs.clear();
                Ok(())
            }
            Delivery::Full => {
                let kept = digest.dirty.into_iter().map(|dirty| (dirty.nsid, dirty));
                self.dirty = kept.collect();
                self.due = Some(Instant::now() + RETRY);
                Ok(())
            }
            Delivery::Gone => Err(Ended),
        }
    }
}
