//! A rate limiter for requests to the service, including the retries of the SDK.
//!
//! It is below the SDK, around the HTTP connector, because a retry becomes a request there. Requests for credentials (STS,
//! SSO, instance metadata) go to other services and are not limited.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A token bucket: `burst` requests at once, then `per_second`.
#[derive(Debug)]
pub struct RateLimiter {
    interval: Duration,
    burst: u32,
    /// When the bucket is full. Each request moves this time by one interval.
    full_at: Mutex<Option<Instant>>,
}

impl RateLimiter {
    /// The default burst in the documentation of the service.
    pub const BURST: u32 = 5;

    /// Returns a full bucket. The rate is in requests per second and above zero.
    pub fn new(per_second: f64, burst: u32) -> Self {
        // An invalid rate (zero, negative, not a number) becomes one request an hour.
        let hour = Duration::from_hours(1);
        let interval = Duration::try_from_secs_f64(per_second.recip())
            .unwrap_or(hour)
            .min(hour);
        Self {
            interval,
            burst: burst.max(1),
            full_at: Mutex::new(None),
        }
    }

    /// Returns when the next request may be sent.
    fn next(&self, full_at: Option<Instant>, now: Instant) -> Instant {
        let backlog = full_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        now + (backlog + self.interval).saturating_sub(self.interval * self.burst)
    }

    /// Waits until a request could be sent without delay. It takes no token.
    pub async fn ready(&self) {
        let next = {
            let full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
            self.next(*full_at, Instant::now())
        };
        tokio::time::sleep_until(next).await;
    }

    /// Takes a token and waits until it is valid. Requests are sent in the order of their calls.
    pub async fn take(&self) {
        let next = {
            let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let next = self.next(*full_at, now);
            *full_at = Some(full_at.map_or(now, |at| at.max(now)) + self.interval);
            next
        };
        tokio::time::sleep_until(next).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns how many seconds `requests` take, one after the other, on a paused clock.
    fn seconds(per_second: f64, burst: u32, requests: u32) -> f64 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let limiter = RateLimiter::new(per_second, burst);
            let start = Instant::now();
            for _ in 0..requests {
                limiter.ready().await;
                limiter.take().await;
            }
            start.elapsed().as_secs_f64()
        })
    }

    proptest! {
        #[test]
        fn requests_take_the_time_of_their_rate(
            per_second in 0.5_f64..50.0, burst in 1_u32..10, requests in 1_u32..200,
        ) {
            let least = f64::from(requests.saturating_sub(burst)) / per_second;
            let took = seconds(per_second, burst, requests);
            // The timer of tokio has a resolution of 1 ms, which each wait can add once.
            let resolution = 0.001 * f64::from(requests);
            prop_assert!(took >= least - 1e-6, "{took} < {least}");
            prop_assert!(took <= least * 1.05 + resolution, "{took} > {least}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_bucket_refills_while_no_request_is_sent() {
        let limiter = RateLimiter::new(2.0, 5);
        for _ in 0..5 {
            limiter.take().await;
        }
        tokio::time::advance(Duration::from_mins(1)).await;
        let start = Instant::now();
        for _ in 0..5 {
            limiter.take().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        limiter.take().await;
        assert_eq!(start.elapsed(), Duration::from_millis(500));
    }
}
