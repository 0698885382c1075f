//! Named network namespaces.

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use netloom_net::{netns, netns_id};

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

/// Removes what a creation or deletion of ours left in `/run/netns` that was interrupted: a name without a namespace.
#[napi(ts_return_type = "Promise<void>", catch_unwind)]
pub fn netns_sweep() -> AsyncTask<Job<()>> {
    job(netns::sweep)
}

/// JSON array of `{name, group, inode}`, in order of name.
#[napi(ts_return_type = "Promise<string>", catch_unwind)]
pub fn netns_list() -> AsyncTask<Job<String>> {
    job(netns::list_json)
}

/// The id by which this process's namespace knows the one at `path`; it gets one when it has none. A monitor hears only of
/// namespaces that have one.
#[napi(ts_return_type = "Promise<number>", catch_unwind)]
pub fn netns_id(path: String) -> AsyncTask<Job<i32>> {
    job(move || netns_id::id_of(&path, None))
}

/// `netnsId` for many paths in one call; null for those that are not there.
#[napi(ts_return_type = "Promise<Array<number | null>>", catch_unwind)]
pub fn netns_ids(paths: Vec<String>) -> AsyncTask<Job<Vec<Option<i32>>>> {
    job(move || Ok(netns_id::ids_of(&paths)))
}
