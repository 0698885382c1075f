//! Lines of bounded length: a host gone mad must not fill the memory of the guest.

use std::io::{self, BufRead, BufReader, Read};

/// Longest request that is accepted, in bytes. The harness cuts files into smaller pieces.
pub(crate) const LIMIT: usize = 4 << 20;

/// One line without its end, or the note that a line was too long and was thrown away.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Text(Vec<u8>),
    TooLong,
}

/// Reads lines and never keeps more than `limit` bytes of one.
pub(crate) struct Lines<R> {
    input: BufReader<R>,
    limit: usize,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R, limit: usize) -> Self {
        Self {
            input: BufReader::new(input),
            limit,
        }
    }

    /// The next line; `None` when the host has gone. A last line without its end is dropped, for it may be half a request.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut text = Vec::new();
        let mut too_long = false;
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                return Ok(None);
            }
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or(buffer);
            if too_long || text.len() + part.len() > self.limit {
                too_long = true;
                text = Vec::new();
            } else {
                text.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                return Ok(Some(if too_long {
                    Line::TooLong
                } else {
                    Line::Text(text)
                }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_drops_what_is_too_long_and_ignores_a_torn_end() {
        let mut lines = Lines::new(&b"one\n\nfar too long a line\ntwo\ntorn"[..], 8);
        let mut seen = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            seen.push(line);
        }
        let text = |value: &str| Line::Text(value.as_bytes().to_vec());
        assert_eq!(seen, [text("one"), text(""), Line::TooLong, text("two")]);
    }
}
