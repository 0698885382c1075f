//! `class Monitor`.

use std::sync::{Mutex, PoisonError};

use napi::{
    Error, Status,
    bindgen_prelude::{Function, Unknown},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use netloom_net::Delivery;

use crate::job::sync_error;

/// Events that wait for the JS thread; more are reported as one `overrun`.
const QUEUE: usize = 8192;

/// Weak: a running monitor does not keep the process alive.
type Listener = ThreadsafeFunction<String, Unknown<'static>, String, Status, false, true, QUEUE>;

/// Hears of changes in its namespace and in every namespace that has an id there, until `close`.
#[napi]
pub struct Monitor {
    running: Mutex<Option<netloom_net::Monitor>>,
}

#[napi]
#[expect(
    clippy::needless_pass_by_value,
    reason = "napi hands arguments over by value"
)]
impl Monitor {
    /// Calls `onEvent` with one JSON object per event.
    #[napi(
        ts_args_type = "netnsPath: string | null, onEvent: (json: string) => void",
        catch_unwind
    )]
    pub fn open(
        netns_path: Option<String>,
        on_event: Function<'_, String, Unknown<'static>>,
    ) -> Result<Self, Error<String>> {
        let deliver = to_js(&on_event)?;
        Self::running(netloom_net::Monitor::open(netns_path.as_deref(), deliver))
    }

    /// Calls `onDigest` with one JSON object for all events of `groups` (`link`, `address`, `route`, `rule`, `neighbour`, `nsid`,
    /// `nft`) up to a pause of 10 ms, at most 50 ms after the first.
    #[napi(
        ts_args_type = "netnsPath: string | null, groups: Array<string>, onDigest: (json: string) => void",
        catch_unwind
    )]
    pub fn open_digests(
        netns_path: Option<String>,
        groups: Vec<String>,
        on_digest: Function<'_, String, Unknown<'static>>,
    ) -> Result<Self, Error<String>> {
        let deliver = to_js(&on_digest)?;
        let netns = netns_path.as_deref();
        Self::running(netloom_net::Monitor::digests(netns, &groups, deliver))
    }

    /// Ends the monitor's thread. Events that are queued already may still arrive.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(running);
    }

    fn running(opened: netloom_net::Result<netloom_net::Monitor>) -> Result<Self, Error<String>> {
        let running = opened.map_err(|refusal| sync_error(&refusal))?;
        Ok(Self {
            running: Mutex::new(Some(running)),
        })
    }
}

/// Hands texts over to the JS thread.
fn to_js(
    listener: &Function<'_, String, Unknown<'static>>,
) -> Result<impl FnMut(String) -> Delivery + Send + 'static, Error<String>> {
    let listener: Listener = listener
        .build_threadsafe_function()
        .weak::<true>()
        .max_queue_size::<QUEUE>()
        .build()
        .map_err(|error| Error::new("EINVAL".to_owned(), error.reason))?;
    Ok(
        move |text| match listener.call(text, ThreadsafeFunctionCallMode::NonBlocking) {
            Status::Ok => Delivery::Taken,
            Status::QueueFull => Delivery::Full,
            _ => Delivery::Gone,
        },
    )
}
