//! What can be set about a simulated account, with defaults, and its rate limit. It knows no calls.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How a simulated account behaves where that can be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The Region that ARNs in messages name. Default `eu-west-1`.
    pub region: String,
    /// The account's id, 12 digits. Default `111122223333`, which AWS uses in documentation.
    pub account_id: String,
    /// How many images the account may own, building and failed ones included. Default 40 (docs).
    pub image_limit: u32,
    /// The rate limit that all calls share; none at all if `None`. Default 2 a second, burst 5 (docs).
    pub api_rate: Option<ApiRate>,
    /// How long an update builds. Default 30 s; the service takes tens of minutes.
    pub build_time: SignedDuration,
    /// The most images on one page, 1-25. Default 25 (model).
    pub page_size: u8,
    /// How many listings begun after a create still lack the new image. Default 0; that there are any is assumed.
    pub listing_lag: u64,
    /// Whether a second image of one name is refused. Default `true` (assumed; the model has the exception).
    pub unique_names: bool,
    /// Whether an image is busy while another is made from it. Default `false` (unknown).
    pub busy_while_updating: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: "eu-west-1".into(),
            account_id: "111122223333".into(),
            image_limit: 40,
            api_rate: Some(ApiRate::default()),
            build_time: SignedDuration::from_secs(30),
            page_size: 25,
            listing_lag: 0,
            unique_names: true,
            busy_while_updating: false,
        }
    }
}

/// A rate limit of the token bucket kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiRate {
    /// Calls a second in the long run; 0 is taken as 1.
    pub(crate) per_second: u32,
    /// Calls at once after a rest; 0 is taken as 1.
    pub(crate) burst: u32,
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
    /// Takes a token, or tells that there is none.
    pub(super) fn take(&mut self, rate: ApiRate, now: Timestamp) -> bool {
        let refill = SignedDuration::from_nanos(1_000_000_000 / i64::from(rate.per_second.max(1)));
        let burst = i32::try_from(rate.burst.max(1)).unwrap_or(i32::MAX);
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
