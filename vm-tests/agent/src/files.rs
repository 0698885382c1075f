//! Small files to and from the host, without a program in the guest.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::protocol::{Blob, Host, Reply, Stream};

const PIECE: usize = 32 * 1024;

/// Sends the content of a file piece by piece, until its end or until the host wants no more: some files have no end.
pub(crate) fn read(id: u64, path: &str, host: &Host, stop: &AtomicBool) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; PIECE];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 || stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let data = Blob(buffer.get(..count).unwrap_or_default().to_vec());
        host.send(&Reply::Data {
            id,
            stream: Stream::Stdout,
            data,
        })?;
    }
}

/// Replaces or extends a file; `mode` holds also when the file was there before.
pub(crate) fn write(path: &str, data: &[u8], append: bool, mode: Option<u32>) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .append(append)
        .truncate(!append)
        .mode(mode.unwrap_or(0o644))
        .open(path)?;
    if let Some(mode) = mode {
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    }
    file.write_all(data)
}
