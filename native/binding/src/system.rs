//! Kernel parameters and socket credentials.

use napi::{Error, bindgen_prelude::AsyncTask};
use napi_derive::napi;
use netloom_net::{clock, limits, peer, solicit, sysctl};

use crate::job::{Job, job, sync_error};

/// The process at the other end of a unix socket, as it was when it connected.
#[napi(object)]
pub struct PeerCredentials {
    /// Process id.
    pub pid: i32,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
}

/// `SO_PEERCRED` of the unix socket `fd`.
#[napi(catch_unwind)]
pub fn peer_cred(fd: i32) -> Result<PeerCredentials, Error<String>> {
    let peer::Credentials { pid, uid, gid } =
        peer::credentials(fd).map_err(|refusal| sync_error(&refusal))?;
    Ok(PeerCredentials { pid, uid, gid })
}

/// JSON object of the values of `keys` in the namespace at `netnsPath`, `null` for those that do not exist.
#[napi(
    ts_args_type = "netnsPath: string | null, keys: Array<string>",
    ts_return_type = "Promise<string>",
    catch_unwind
)]
pub fn sysctl_get(netns_path: Option<String>, keys: Vec<String>) -> AsyncTask<Job<String>> {
    job(move || sysctl::get(netns_path.as_deref(), &keys))
}

/// Sets one kernel parameter in the namespace at `netnsPath`; `ENOENT` when there is none of that name.
#[napi(
    ts_args_type = "netnsPath: string | null, key: string, value: string",
    ts_return_type = "Promise<void>",
    catch_unwind
)]
pub fn sysctl_set(netns_path: Option<String>, key: String, value: String) -> AsyncTask<Job<()>> {
    job(move || sysctl::set(netns_path.as_deref(), &key, &value))
}

/// Asks the routers at the link `dev` in the namespace at `netnsPath` to advertise themselves.
#[napi(
    ts_args_type = "netnsPath: string | null, dev: string",
    ts_return_type = "Promise<void>",
    catch_unwind
)]
pub fn router_solicit(netns_path: Option<String>, dev: String) -> AsyncTask<Job<()>> {
    job(move || solicit::solicit(netns_path.as_deref(), &dev))
}

/// Sets many kernel parameters in the namespace at `netnsPath`. `parameters`: JSON array of `[key, value]`. Answers with a JSON array
/// of outcomes in the same order.
#[napi(
    ts_args_type = "netnsPath: string | null, parameters: string",
    ts_return_type = "Promise<string>",
    catch_unwind
)]
pub fn sysctl_set_many(netns_path: Option<String>, parameters: String) -> AsyncTask<Job<String>> {
    job(move || sysctl::set_many(netns_path.as_deref(), &parameters))
}

/// True when the kernel's clock is synchronised to a time server (`STA_UNSYNC` of adjtimex(2) is not set).
#[napi(catch_unwind)]
pub fn clock_synchronised() -> Result<bool, Error<String>> {
    clock::synchronised().map_err(|refusal| sync_error(&refusal))
}

/// How many descriptors this process may have open.
#[napi(object)]
pub struct Descriptors {
    /// What holds now.
    pub soft: i64,
    /// How far the soft limit can be raised.
    pub hard: i64,
}

/// Raises the soft limit of descriptors to the hard one, and that to 65,536 where we are allowed to.
#[napi(catch_unwind)]
pub fn raise_descriptors() -> Result<Descriptors, Error<String>> {
    let limits::Descriptors { soft, hard } =
        limits::raise_descriptors().map_err(|refusal| sync_error(&refusal))?;
    let number = |limit| i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(Descriptors {
        soft: number(soft),
        hard: number(hard),
    })
}
