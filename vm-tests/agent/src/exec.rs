//! Programs run for the host, any number at once, each in a process group of its own.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::protocol::{Blob, Exec, Host, Reply, Stream};

const PIECE: usize = 32 * 1024;

/// How long output may still come after the program has ended: a daemon it left behind may hold the pipe for ever.
const DRAIN: Duration = Duration::from_millis(250);

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

fn attend(id: u64, mut child: Child, stdin: Blob, host: &Host, jobs: &Jobs) -> Reply {
    let closed = Arc::new(AtomicBool::new(false));
    let (ended, end) = mpsc::channel::<()>();
    let mut readers = 0;
    if let Some(pipe) = child.stdout.take() {
        readers += 1;
        copy(
            pipe,
            id,
            Stream::Stdout,
            host.clone(),
            Arc::clone(&closed),
            ended.clone(),
        );
    }
    if let Some(pipe) = child.stderr.take() {
        readers += 1;
        copy(
            pipe,
            id,
            Stream::Stderr,
            host.clone(),
            Arc::clone(&closed),
            ended,
        );
    }
    if let Some(mut pipe) = child.stdin.take() {
        // A program may end without reading its input; its exit status tells then.
        thread::spawn(move || drop(pipe.write_all(&stdin.0)));
    }
    let status = child.wait();
    jobs.remove(id);
    let deadline = Instant::now() + DRAIN;
    for _ in 0..readers {
        if end
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            .is_err()
        {
            break;
        }
    }
    closed.store(true, Ordering::Release);
    match status {
        Ok(status) => Reply::Exit {
            id,
            exit: status.code(),
            signal: status.signal(),
        },
        Err(error) => Reply::Error {
            id: Some(id),
            error: format!("waiting for the program failed: {error}"),
        },
    }
}

/// Sends what a pipe gives until it ends; after `closed` it is read on, so that the writer does not block, but dropped.
fn copy(
    mut pipe: impl Read + Send + 'static,
    id: u64,
    stream: Stream,
    host: Host,
    closed: Arc<AtomicBool>,
    ended: mpsc::Sender<()>,
) {
    thread::spawn(move || {
        let mut buffer = vec![0; PIECE];
        loop {
            match pipe.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) if closed.load(Ordering::Acquire) => {}
                Ok(count) => {
                    let data = Blob(buffer.get(..count).unwrap_or_default().to_vec());
                    if host.send(&Reply::Data { id, stream, data }).is_err() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        // Nobody listens any more when the program ended long ago.
        let _ = ended.send(());
    });
}
