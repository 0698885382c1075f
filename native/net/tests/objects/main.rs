//! Every object of the vocabulary against the real kernel, in namespaces of its own: made, read back, changed, removed.
//! What this kernel or user cannot do is skipped and said.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, and say what they skip"
)]

mod links;
mod ports;
mod routes;
mod sandbox;
mod tables;
mod wireguard;
