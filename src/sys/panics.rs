//! The net under what others wrote: a panic becomes an error, and its text, which may hold a secret, goes nowhere.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Something panicked. Where, the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("internal error; the log names its place. Please report it")]
pub struct Panicked;

/// Logs where a panic happened, in place of the standard hook, which prints its text.
pub fn log_places() {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place = place.unwrap_or_default(), "internal error");
    }));
}

/// Runs the future to its end or to its panic.
pub(crate) fn caught<'a, T>(future: impl Future<Output = T> + Send + 'a) -> Caught<'a, T> {
    Caught(Box::pin(future))
}

/// Runs the work to its end or to its panic. Whatever it was changing must not be used after a panic.
pub fn caught_now<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// A future that ends at its panic.
pub(crate) struct Caught<'a, T>(Pin<Box<dyn Future<Output = T> + Send + 'a>>);

impl<T> fmt::Debug for Caught<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caught").finish_non_exhaustive()
    }
}

impl<T> Future for Caught<'_, T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Once it has panicked the future is never polled again, so that nothing sees what it left half done.
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
        assert_eq!(caught(panics).await, Err(Panicked));
        assert_eq!(caught(async { 1 }).await, Ok(1));
        assert_eq!(caught_now(|| -> u8 { unreachable!() }), Err(Panicked));
    }
}
