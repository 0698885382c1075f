//! For tests: whatever the bytes, a parser must not panic.

/// Calls `parse` with every truncation of `bytes`, and with every single byte replaced by values that make lengths and
/// types wrong.
pub(crate) fn mangle(bytes: &[u8], parse: impl Fn(&[u8])) {
    for length in 0..=bytes.len() {
        parse(&bytes[..length]);
    }
    let mut copy = bytes.to_vec();
    for at in 0..bytes.len() {
        for value in [0, 1, 3, 4, 5, 0x7f, 0x80, 0xff, bytes[at].wrapping_add(1)] {
            copy[at] = value;
            parse(&copy);
        }
        copy[at] = bytes[at];
    }
}
