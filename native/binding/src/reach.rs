//! `class Reach`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use napi::{Error, bindgen_prelude::AsyncTask};
use napi_derive::napi;

use crate::job::{Job, job, sync_error};

/// Hosts that are asked whether they answer. Nothing here waits: whoever asks looks again, and closes.
#[napi]
pub struct Reach {
    asked: Mutex<Option<netloom_net::Reach>>,
}

#[napi]
impl Reach {
    /// Asks all of `targets` (`tcp://192.0.2.1:443`, `icmp://2001:db8::1`) by the link `dev` of the namespace at `netnsPath`.
    #[napi(
        ts_args_type = "netnsPath: string | null, dev: string, targets: Array<string>",
        ts_return_type = "Promise<Reach>",
        catch_unwind
    )]
    pub fn open(
        netns_path: Option<String>,
        dev: String,
        targets: Vec<String>,
    ) -> AsyncTask<Job<Reach>> {
        job(move || {
            let asked = netloom_net::Reach::open(netns_path.as_deref(), &dev, &targets)?;
            Ok(Reach {
                asked: Mutex::new(Some(asked)),
            })
        })
    }

    /// JSON array of `{passed, why}`, one for each target; both are null while it has not answered.
    #[napi(catch_unwind)]
    pub fn look(&self) -> Result<String, Error<String>> {
        match self.slot().as_mut() {
            Some(asked) => asked.look(),
            None => Err(netloom_net::Error::closed()),
        }
        .map_err(|refusal| sync_error(&refusal))
    }

    /// Gives the sockets up.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.slot().take();
    }

    fn slot(&self) -> MutexGuard<'_, Option<netloom_net::Reach>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
