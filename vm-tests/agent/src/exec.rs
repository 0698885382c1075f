//! Programs run for the host, any number at once, each in a process group of its own.

use std::fs::File;
use std::io::{self, PipeReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;

use crate::jobs::{Input, Job, Jobs, Program};
use crate::protocol::{Blob, Exec, Host, Reply, Stream};
use crate::pty::Terminal;

const PIECE: usize = 32 * 1024;

/// Starts a program; its output and its end are sent by threads. An error means that it did not start.
pub(crate) fn start(id: u64, request: Exec, host: &Host, jobs: &Jobs) -> io::Result<()> {
    let Some((program, arguments)) = request.argv.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "argv is empty"));
    };
    let mut command = Command::new(program);
    command.args(arguments).envs(&request.env);
    if let Some(directory) = &request.cwd {
        command.current_dir(directory);
    }
    let terminal = if let Some(size) = request.pty {
        Some(Terminal::attach(&mut command, size)?)
    } else {
        command.process_group(0);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        None
    };
    let mut child = command.spawn()?;
    // With it go our copies of the other side of the terminal, whose end is to be seen.
    drop(command);
    let (way_in, outputs) = ways(&mut child, terminal.as_ref())?;
    let (sender, receiver) = mpsc::channel();
    let leader = Pid::from_raw(child.id().cast_signed());
    let input = request.stream_input.then_some(sender);
    jobs.add(
        id,
        Job::Program(Program {
            leader,
            input,
            terminal,
        }),
    );
    let feeding = host.clone();
    thread::spawn(move || feed(id, &way_in, &request.stdin, &receiver, &feeding));
    let (host, jobs) = (host.clone(), jobs.clone());
    thread::spawn(move || {
        let reply = attend(id, child, outputs, &host, &jobs);
        // When this fails the port is gone, and with it everyone who could be told.
        let _ = host.send(&reply);
    });
    Ok(())
}

type Outputs = Vec<(Stream, OwnedFd)>;

/// Where a program reads from and writes to: its terminal, else its pipes.
fn ways(child: &mut Child, terminal: Option<&Terminal>) -> io::Result<(WayIn, Outputs)> {
    if let Some(terminal) = terminal {
        let outputs = vec![(Stream::Stdout, terminal.file()?.into())];
        return Ok((WayIn::Terminal(terminal.file()?), outputs));
    }
    let mut outputs: Outputs = Vec::new();
    outputs.extend(
        child
            .stdout
            .take()
            .map(|pipe| (Stream::Stdout, pipe.into())),
    );
    outputs.extend(
        child
            .stderr
            .take()
            .map(|pipe| (Stream::Stderr, pipe.into())),
    );
    let pipe = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    Ok((WayIn::Pipe(OwnedFd::from(pipe).into()), outputs))
}

/// Where the input of a program is written to.
enum WayIn {
    Pipe(File),
    Terminal(File),
}

/// What a terminal takes for the end of its input, `VEOF` of termios(3).
const END_OF_TRANSMISSION: [u8; 1] = [4];

/// Writes the input of a program as it comes. The host is told of each piece that was taken, so that it sends no more than fits
/// into the memory of a guest. A program may end without reading its input; its exit status tells then.
fn feed(id: u64, way_in: &WayIn, first: &Blob, more: &Receiver<Input>, host: &Host) {
    let (WayIn::Pipe(file) | WayIn::Terminal(file)) = way_in;
    let mut file: &File = file;
    let _ = file.write_all(&first.0);
    for input in more {
        let Input::Data(data) = input else {
            if matches!(way_in, WayIn::Terminal(_)) {
                let _ = file.write_all(&END_OF_TRANSMISSION);
                continue;
            }
            break;
        };
        let _ = file.write_all(&data);
        let taken = data.len();
        if host.send(&Reply::Taken { id, taken }).is_err() {
            break;
        }
    }
}

/// Follows a program to its end. What it wrote before it ended is sent whole, however slow the host is; a daemon that it left
/// behind may hold its pipes for ever and does not delay the answer.
fn attend(id: u64, mut child: Child, mut outputs: Outputs, host: &Host, jobs: &Jobs) -> Reply {
    let result = io::pipe().and_then(|(ended, ending)| {
        let jobs = jobs.clone();
        let waiter = thread::spawn(move || {
            let status = child.wait();
            jobs.remove(id);
            drop(ending);
            status
        });
        pump(id, &mut outputs, &ended, host)?;
        for (_, pipe) in outputs {
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
fn pump(id: u64, pipes: &mut Outputs, ended: &PipeReader, host: &Host) -> io::Result<()> {
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
