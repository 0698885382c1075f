//! The messages. One JSON object a line; bytes travel as base64.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes that are base64 on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Blob(pub(crate) Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD
            .decode(text)
            .map(Blob)
            .map_err(serde::de::Error::custom)
    }
}

/// What the host asks. `id` is chosen by the host and comes back in every answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    pub(crate) id: u64,
    #[serde(flatten)]
    pub(crate) op: Op,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(crate) enum Op {
    /// Run a program; answered by `stream`s and one `exit`.
    Exec(Exec),
    /// More input for the program that was started under this id with `streamInput`; answered by `taken`.
    Input {
        data: Blob,
    },
    /// The end of that input.
    Eof,
    /// Another size for the terminal of the program that was started under this id.
    Resize(Size),
    /// End the program that was started under this id, and what it started, by SIGKILL.
    Kill,
    Ping,
    /// Send a file as `stream` "stdout", then `exit` 0.
    Read {
        path: String,
    },
    /// Write or append to a file, then `exit` 0.
    Write {
        path: String,
        data: Blob,
        #[serde(default)]
        append: bool,
        mode: Option<u32>,
    },
    /// Move the wall clock by seconds; `stream` "stdout" says what it was and what it is, then `exit` 0.
    Clock {
        jump: f64,
    },
    /// Make this guest another one than its template; then `exit` 0.
    Identity(Identity),
    /// End the early stage: the guest goes on to boot. Refused later.
    Release,
}

/// What tells a guest from its siblings, and the time.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity {
    /// 32 hexadecimal digits, machine-id(5).
    pub(crate) machine_id: String,
    pub(crate) hostname: String,
    /// Only for clones.
    pub(crate) clone: Option<CloneIdentity>,
}

/// What a clone must not have from its template, beyond names.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CloneIdentity {
    /// Seconds since 1970.
    pub(crate) time: f64,
    /// Random bytes from the host.
    pub(crate) seed: Blob,
    /// What /proc/cmdline shall say: the kernel has that of the template.
    pub(crate) cmdline: String,
}

/// Where in its boot a guest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    /// Before any service starts; it waits for `release`.
    Early,
    Up,
}

/// The window of a terminal, in characters.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Size {
    pub(crate) rows: u16,
    pub(crate) columns: u16,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Exec {
    pub(crate) argv: Vec<String>,
    #[serde(default)]
    pub(crate) stdin: Blob,
    /// True when `input` and `eof` follow; else `stdin` is all there is.
    #[serde(default)]
    pub(crate) stream_input: bool,
    /// A terminal instead of three pipes; all output is `stdout` then.
    pub(crate) pty: Option<Size>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) cwd: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// What the guest says.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Reply {
    Hello {
        hello: Hello,
    },
    Pong {
        id: u64,
        pong: Hello,
    },
    Data {
        id: u64,
        stream: Stream,
        data: Blob,
    },
    /// That many bytes of `input` were handed to the program, or thrown away because it reads no more.
    Taken {
        id: u64,
        taken: usize,
    },
    Exit {
        id: u64,
        exit: Option<i32>,
        signal: Option<i32>,
    },
    Error {
        id: Option<u64>,
        error: String,
    },
}

/// Which boot of which guest this is; a new boot id tells the host that everything it had started is gone.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Hello {
    pub(crate) stage: Stage,
    /// Empty in the early stage and in a template: the kernel makes it when it is first read, and all clones would share it.
    pub(crate) boot_id: String,
    /// Seconds since the kernel started.
    pub(crate) uptime: f64,
    pub(crate) version: &'static str,
}

/// The way to the host, shared by all threads; each message is written whole.
#[derive(Clone)]
pub(crate) struct Host(Arc<Mutex<dyn Write + Send>>);

impl Host {
    pub(crate) fn new(output: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(output)))
    }

    /// Sends one message; blocks while no host is connected.
    pub(crate) fn send(&self, reply: &Reply) -> io::Result<()> {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(&line)
    }

    /// Ends a line that an earlier session may have left half written, then greets.
    pub(crate) fn greet(&self, hello: Hello) -> io::Result<()> {
        let mut line = b"\n".to_vec();
        serde_json::to_writer(&mut line, &Reply::Hello { hello })?;
        line.push(b'\n');
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(&line)
    }
}
