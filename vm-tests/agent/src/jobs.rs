//! What is done for the host now, by the id of its request: programs that run and files that are read.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::protocol::Size;
use crate::pty::Terminal;

/// What the host adds to the standard input of a program that runs.
pub(crate) enum Input {
    Data(Vec<u8>),
    End,
}

/// A program and the ways to it.
pub(crate) struct Program {
    /// It leads the process group of this number, and the session too when it has a terminal.
    pub(crate) leader: Pid,
    /// `None` when all of its input came with the request.
    pub(crate) input: Option<Sender<Input>>,
    pub(crate) terminal: Option<Terminal>,
}

/// Something that can be ended before it is done.
pub(crate) enum Job {
    Program(Program),
    /// A file that is being read, until this is true.
    Reading(Arc<AtomicBool>),
}

#[derive(Clone, Default)]
pub(crate) struct Jobs(Arc<Mutex<HashMap<u64, Job>>>);

impl Jobs {
    pub(crate) fn add(&self, id: u64, job: Job) {
        self.all().insert(id, job);
    }

    /// Forgets what has ended; with a program goes the way to its input.
    pub(crate) fn remove(&self, id: u64) {
        self.all().remove(&id);
    }

    /// Ends a program and its children, or the reading of a file; false when there is neither under this id.
    pub(crate) fn kill(&self, id: u64) -> bool {
        self.all().get(&id).is_some_and(|job| job.kill().is_ok())
    }

    /// Ends all of them: their host has gone and nobody would read what they say.
    pub(crate) fn kill_all(&self) {
        for job in self.all().values() {
            // A group that has just ended is what was wanted.
            let _ = job.kill();
        }
    }

    /// Passes input on. A program that has just ended reads nothing any more, and its exit status tells.
    pub(crate) fn input(&self, id: u64, input: Input) {
        if let Some(Job::Program(program)) = self.all().get(&id)
            && let Some(sender) = &program.input
        {
            let _ = sender.send(input);
        }
    }

    /// Tells the terminal of a program that its window has another size.
    pub(crate) fn resize(&self, id: u64, size: Size) -> io::Result<()> {
        match self.all().get(&id) {
            Some(Job::Program(Program {
                terminal: Some(terminal),
                ..
            })) => terminal.resize(size),
            _ => Ok(()),
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<u64, Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    /// What a shell put into groups of their own is told by the kernel when the leader of its session ends.
    fn kill(&self) -> nix::Result<()> {
        match self {
            Self::Program(program) => killpg(program.leader, Signal::SIGKILL),
            Self::Reading(stop) => {
                stop.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }
}
