//! The rate limit that all calls of an account share. It knows no calls.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A rate limit of the token bucket kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ApiRate {
    /// Calls a second in the long run; 0 for no limit.
    pub(crate) per_second: u32,
    /// Calls at once after a rest.
    pub(crate) burst: u32,
}

impl ApiRate {
    pub const NO_LIMIT: Self = Self {
        per_second: 0,
        burst: 1,
    };
}

impl Default for ApiRate {
    fn default() -> Self {
        Self {
            per_second: 2,
            burst: 5,
        }
    }
}

/// The state of a token bucket: the time at which it is full again. Whole nanoseconds, so nothing is rounded away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Bucket {
    full_at: Option<Timestamp>,
}

impl Bucket {
    /// Takes a token; returns whether there was one.
    pub(super) fn take(&mut self, rate: ApiRate, now: Timestamp) -> bool {
        let Some(refill) = 1_000_000_000_i64.checked_div(rate.per_second.into()) else {
            return true;
        };
        let refill = SignedDuration::from_nanos(refill);
        let burst = i32::try_from(rate.burst).unwrap_or(i32::MAX);
        let size = refill.saturating_mul(burst);
        // Not before now: a rested bucket does not overflow. Not beyond empty: a clock set back can't lock it for long.
        let missing = self
            .full_at
            .map_or(SignedDuration::ZERO, |full_at| full_at.duration_since(now))
            .clamp(SignedDuration::ZERO, size);
        let after = missing.saturating_add(refill);
        let taken = after <= size;
        let missing = if taken { after } else { missing };
        self.full_at = Some(now.saturating_add(missing).unwrap_or(now));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let rate = ApiRate::default();
        let mut bucket = Bucket::default();
        // Milliseconds, and how many of ten calls at that time pass.
        for (at, passed) in [
            (0, 5),
            (499, 0),
            (500, 1),
            (2_000, 3),
            (60_000, 5),
            // The clock is set back by an hour.
            (-3_540_000, 0),
            (-3_539_000, 2),
        ] {
            let now = Timestamp::from_millisecond(at).unwrap();
            let taken = (0..10).filter(|_| bucket.take(rate, now)).count();
            assert_eq!(taken, passed, "at {at} ms");
        }
    }
}
