//! Node-API shims over `netloom-net`: strings in, promises of strings out. No logic lives here.

pub mod job;
pub mod monitor;
pub mod netlink;
pub mod netns;
pub mod reach;
pub mod system;

use napi_derive::napi;

/// Version of the addon, equal to the version in package.json.
#[napi(catch_unwind)]
pub fn addon_version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
