//! Work off the JS thread, as a promise.

use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::{
    Env, Error, Result, Status, Task,
    bindgen_prelude::{AsyncTask, ToNapiValue, TypeName},
};

type Work<T> = Box<dyn FnOnce() -> netloom_net::Result<T> + Send>;

/// One call into `netloom-net` on the libuv pool. A refusal becomes a JS error with `code`, `errno`, `op` and `target`.
pub struct Job<T> {
    work: Option<Work<T>>,
    refusal: Option<netloom_net::Error>,
}

/// Runs `work` on the pool and settles a promise with its result.
pub(crate) fn job<T: Send + ToNapiValue + TypeName + 'static>(
    work: impl FnOnce() -> netloom_net::Result<T> + Send + 'static,
) -> AsyncTask<Job<T>> {
    AsyncTask::new(Job {
        work: Some(Box::new(work)),
        refusal: None,
    })
}

impl<T: Send + ToNapiValue + TypeName + 'static> Task for Job<T> {
    type Output = T;
    type JsValue = T;

    fn compute(&mut self) -> Result<T> {
        let work = self
            .work
            .take()
            .ok_or_else(|| Error::from_reason("a job runs only once"))?;
        // A panic must fail this call, not the daemon.
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(refusal)) => {
                let reason = refusal.to_string();
                self.refusal = Some(refusal);
                Err(Error::from_reason(reason))
            }
            Err(_) => Err(Error::new(
                Status::GenericFailure,
                "a bug in the addon: it panicked",
            )),
        }
    }

    fn resolve(&mut self, _: Env, output: T) -> Result<T> {
        Ok(output)
    }

    fn reject(&mut self, env: Env, error: Error) -> Result<T> {
        match self.refusal.take() {
            Some(refusal) => Err(js_error(env, &refusal)?),
            None => Err(error),
        }
    }
}

fn js_error(env: Env, refusal: &netloom_net::Error) -> Result<Error> {
    let mut object = env.create_error(Error::from_reason(refusal.to_string()))?;
    object.set("code", refusal.code())?;
    object.set("errno", refusal.errno as i32)?;
    object.set("op", refusal.op)?;
    object.set("target", refusal.target.as_str())?;
    Ok(Error::from(object.into_unknown(&env)?))
}

/// The same for calls that answer at once; these errors carry `code` only.
pub(crate) fn sync_error(refusal: &netloom_net::Error) -> Error<String> {
    Error::new(refusal.code(), refusal.to_string())
}
