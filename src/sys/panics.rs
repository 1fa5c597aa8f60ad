//! Turns a panic into an error. The panic message is dropped, because it may contain a secret.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("internal error. The log names the source line. Please report it")]
pub struct Panicked;

/// Makes each panic log its source line, instead of its message.
pub fn log_locations() {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location = location.unwrap_or_default(), "internal error");
    }));
}

/// Runs the future. A panic becomes an error.
pub(crate) fn catch_panic<'a, T>(future: impl Future<Output = T> + Send + 'a) -> CatchPanic<'a, T> {
    CatchPanic(Box::pin(future))
}

/// Runs the function. A panic becomes an error, and data that the function was changing must not be used after it.
pub fn catch_panic_now<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// A future that turns a panic into an error.
pub(crate) struct CatchPanic<'a, T>(Pin<Box<dyn Future<Output = T> + Send + 'a>>);

impl<T> fmt::Debug for CatchPanic<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchPanic").finish_non_exhaustive()
    }
}

impl<T> Future for CatchPanic<'_, T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // After a panic the future is never polled again, so no code sees its partial changes.
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_and_a_result_is_a_result() {
        let panics = async {
            tokio::task::yield_now().await;
            assert_eq!(1, 2, "on purpose");
        };
        assert_eq!(catch_panic(panics).await, Err(Panicked));
        assert_eq!(catch_panic(async { 1 }).await, Ok(1));
        assert_eq!(catch_panic_now(|| -> u8 { unreachable!() }), Err(Panicked));
    }
}
