//! Programs run for the host, any number at once, each in a process group of its own.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, PipeReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::protocol::{Blob, Exec, Host, Reply, Stream};

const PIECE: usize = 32 * 1024;

/// The programs that run now, by the id of their request.
#[derive(Clone, Default)]
pub(crate) struct Jobs(Arc<Mutex<HashMap<u64, Pid>>>);

impl Jobs {
    /// Ends a program and its children; false when none runs under this id.
    pub(crate) fn kill(&self, id: u64) -> bool {
        let jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.get(&id)
            .is_some_and(|&group| killpg(group, Signal::SIGKILL).is_ok())
    }

    /// Ends all of them: their host has gone and nobody would read what they say.
    pub(crate) fn kill_all(&self) {
        for &group in self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            // A group that has just ended is what was wanted.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }

    fn add(&self, id: u64, child: &Child) {
        if let Some(pid) = i32::try_from(child.id()).ok().map(Pid::from_raw) {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(id, pid);
        }
    }

    fn remove(&self, id: u64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
    }
}

/// Starts a program; its output and its end are sent by threads. An error means that it did not start.
pub(crate) fn start(id: u64, request: Exec, host: &Host, jobs: &Jobs) -> io::Result<()> {
    let Some((program, arguments)) = request.argv.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "argv is empty"));
    };
    let mut command = Command::new(program);
    command.args(arguments).envs(&request.env).process_group(0);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(directory) = &request.cwd {
        command.current_dir(directory);
    }
    let child = command.spawn()?;
    jobs.add(id, &child);
    let (host, jobs) = (host.clone(), jobs.clone());
    thread::spawn(move || {
        let reply = attend(id, child, request.stdin, &host, &jobs);
        // When this fails the port is gone, and with it everyone who could be told.
        let _ = host.send(&reply);
    });
    Ok(())
}

/// Follows a program to its end. What it wrote before it ended is sent whole, however slow the host is; a daemon that it left
/// behind may hold its pipes for ever and does not delay the answer.
fn attend(id: u64, mut child: Child, stdin: Blob, host: &Host, jobs: &Jobs) -> Reply {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    if let Some(mut pipe) = child.stdin.take() {
        // A program may end without reading its input; its exit status tells then.
        thread::spawn(move || drop(pipe.write_all(&stdin.0)));
    }
    let result = io::pipe().and_then(|(ended, ending)| {
        let jobs = jobs.clone();
        let waiter = thread::spawn(move || {
            let status = child.wait();
            jobs.remove(id);
            drop(ending);
            status
        });
        let mut pipes: Vec<(Stream, OwnedFd)> = Vec::new();
        pipes.extend(stdout.map(|pipe| (Stream::Stdout, pipe.into())));
        pipes.extend(stderr.map(|pipe| (Stream::Stderr, pipe.into())));
        pump(id, &mut pipes, &ended, host)?;
        for (_, pipe) in pipes {
            // Closing it would end that daemon at its next word.
            thread::spawn(move || io::copy(&mut File::from(pipe), &mut io::sink()));
        }
        waiter
            .join()
            .map_err(|_| io::Error::other("the thread that waited for it ended"))?
    });
    match result {
        Ok(status) => Reply::Exit {
            id,
            exit: status.code(),
            signal: status.signal(),
        },
        Err(error) => Reply::Error {
            id: Some(id),
            error: format!("following the program failed: {error}"),
        },
    }
}

/// Sends what the pipes give until they end, or until the program has ended (`ended` hangs up) and they are empty. Pipes that
/// ended are taken out.
fn pump(
    id: u64,
    pipes: &mut Vec<(Stream, OwnedFd)>,
    ended: &PipeReader,
    host: &Host,
) -> io::Result<()> {
    let mut buffer = vec![0; PIECE];
    let mut running = true;
    while running || !pipes.is_empty() {
        let mut polled: Vec<PollFd> = pipes
            .iter()
            .map(|(_, pipe)| PollFd::new(pipe.as_fd(), PollFlags::POLLIN))
            .collect();
        // Last, and only while it says something new.
        polled.extend(running.then(|| PollFd::new(ended.as_fd(), PollFlags::POLLIN)));
        let timeout = if running {
            PollTimeout::NONE
        } else {
            PollTimeout::ZERO
        };
        match poll(&mut polled, timeout) {
            Ok(0) => break,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        running = running && !ready.last().copied().unwrap_or(false);
        let mut index = 0;
        let mut failure = Ok(());
        pipes.retain(|(stream, pipe)| {
            index += 1;
            if failure.is_err() || !ready.get(index - 1).copied().unwrap_or(false) {
                return true;
            }
            match nix::unistd::read(pipe, &mut buffer) {
                Ok(0) => false,
                Ok(count) => {
                    let data = Blob(buffer.get(..count).unwrap_or_default().to_vec());
                    failure = host.send(&Reply::Data {
                        id,
                        stream: *stream,
                        data,
                    });
                    true
                }
                Err(Errno::EINTR) => true,
                Err(_) => false,
            }
        });
        failure?;
    }
    Ok(())
}
