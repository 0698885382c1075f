//! Named network namespaces.

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use netloom_net::netns;

use crate::job::{Job, job};

/// Creates `/run/netns/NAME`; its `lo` is up and carries `group` before the name appears. `EEXIST` when taken.
#[napi(ts_return_type = "Promise<void>", catch_unwind)]
pub fn netns_create(name: String, group: u32) -> AsyncTask<Job<()>> {
    job(move || netns::create(&name, group))
}

/// Unmounts and unlinks `/run/netns/NAME`; `ENOENT` when absent.
#[napi(ts_return_type = "Promise<void>", catch_unwind)]
pub fn netns_delete(name: String) -> AsyncTask<Job<()>> {
    job(move || netns::delete(&name))
}

/// JSON array of `{name, group}`, in order of name.
#[napi(ts_return_type = "Promise<string>", catch_unwind)]
pub fn netns_list() -> AsyncTask<Job<String>> {
    job(netns::list_json)
}
