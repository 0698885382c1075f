//! One host, from its greeting until it goes away.

use std::fs;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use crate::clock;
use crate::exec;
use crate::files;
use crate::identity;
use crate::jobs::{Input, Job, Jobs};
use crate::lines::{LIMIT, Line, Lines};
use crate::protocol::{Blob, Hello, Host, Op, Reply, Request, Stage, Stream};

/// Why a session ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    HostGone,
    /// The host lets the guest boot on.
    Released,
}

/// Serves a host until it disconnects or releases the guest, then ends what it had started. No request can make this fail,
/// only the port can.
pub(crate) fn run(
    input: impl Read,
    output: impl Write + Send + 'static,
    stage: Stage,
) -> io::Result<End> {
    let host = Host::new(output);
    let jobs = Jobs::default();
    let mut lines = Lines::new(input, LIMIT);
    host.greet(hello(stage))?;
    let outcome = loop {
        let error = match lines.next_line() {
            Ok(Some(Line::Text(text))) if text.is_empty() => continue,
            Ok(Some(Line::Text(text))) => match serde_json::from_slice::<Request>(&text) {
                Ok(Request {
                    id,
                    op: Op::Release,
                }) if stage == Stage::Early => {
                    break host.send(&done(id, "", Ok(()))).map(|()| End::Released);
                }
                Ok(request) => {
                    handle(request, &host, &jobs, stage);
                    continue;
                }
                Err(error) => format!("not a request: {error}"),
            },
            Ok(Some(Line::TooLong)) => format!("a request is longer than {LIMIT} bytes"),
            Ok(None) => break Ok(End::HostGone),
            Err(error) => break Err(error),
        };
        if let Err(error) = host.send(&Reply::Error { id: None, error }) {
            break Err(error);
        }
    };
    jobs.kill_all();
    outcome
}

/// Requests that can take long get a thread, so that `kill` and `ping` are always answered.
fn handle(request: Request, host: &Host, jobs: &Jobs, stage: Stage) {
    let id = request.id;
    let answer = match request.op {
        Op::Ping => Some(Reply::Pong {
            id,
            pong: hello(stage),
        }),
        Op::Release => Some(failure(id, "release", "this guest has booted already")),
        Op::Identity(identity) => Some(done(id, "taking an identity", identity::take(&identity))),
        Op::Input { data } => {
            jobs.input(id, Input::Data(data.0));
            None
        }
        Op::Eof => {
            jobs.input(id, Input::End);
            None
        }
        Op::Resize(size) => {
            // A terminal that cannot be resized still works, at its old size.
            let _ = jobs.resize(id, size);
            None
        }
        Op::Clock { jump } => Some(match clock::jump(jump) {
            Ok((before, after)) => {
                let data = Blob(format!("{before:.3} {after:.3}").into_bytes());
                let stream = Stream::Stdout;
                // When this fails the next one does.
                let _ = host.send(&Reply::Data { id, stream, data });
                done(id, "", Ok(()))
            }
            Err(error) => failure(id, "setting the clock", error),
        }),
        Op::Kill if jobs.kill(id) => None,
        Op::Kill => Some(failure(id, "kill", "no program runs under this id")),
        Op::Exec(exec) => {
            let what = format!("starting {:?}", exec.argv);
            exec::start(id, exec, host, jobs)
                .err()
                .map(|error| failure(id, &what, error))
        }
        Op::Read { path } => {
            let (host, jobs) = (host.clone(), jobs.clone());
            let stop = Arc::new(AtomicBool::new(false));
            jobs.add(id, Job::Reading(stop.clone()));
            thread::spawn(move || {
                let result = files::read(id, &path, &host, &stop);
                jobs.remove(id);
                let reply = done(id, &format!("reading {path}"), result);
                // When this fails the port is gone, and with it everyone who could be told.
                let _ = host.send(&reply);
            });
            None
        }
        // In the order of the requests: a file is appended piece by piece.
        Op::Write {
            path,
            data,
            append,
            mode,
        } => {
            let result = files::write(&path, &data.0, append, mode);
            Some(done(id, &format!("writing {path}"), result))
        }
    };
    if let Some(reply) = answer {
        // The next read tells when the port is gone.
        let _ = host.send(&reply);
    }
}

fn done(id: u64, what: &str, result: io::Result<()>) -> Reply {
    match result {
        Ok(()) => Reply::Exit {
            id,
            exit: Some(0),
            signal: None,
        },
        Err(error) => failure(id, what, error),
    }
}

fn failure(id: u64, what: &str, why: impl std::fmt::Display) -> Reply {
    Reply::Error {
        id: Some(id),
        error: format!("{what} failed: {why}"),
    }
}

fn hello(stage: Stage) -> Hello {
    let first = |path: &str| {
        fs::read_to_string(path)
            .ok()?
            .split_whitespace()
            .next()
            .map(str::to_owned)
    };
    let boot_id = match stage {
        Stage::Early => None,
        Stage::Up if identity::is_template() => None,
        Stage::Up => first("/proc/sys/kernel/random/boot_id"),
    };
    Hello {
        stage,
        boot_id: boot_id.unwrap_or_default(),
        uptime: first("/proc/uptime")
            .and_then(|text| text.parse().ok())
            .unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

#[cfg(test)]
mod tests;
