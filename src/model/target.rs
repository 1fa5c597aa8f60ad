//! One account and Region: what a run is about.

use serde::{Deserialize, Serialize};

/// One account and Region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// The Region.
    pub region: String,
    /// The account, once a listing has told it.
    pub account_id: Option<String>,
    /// Whether it is the embedded API's and no account of AWS; absent if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
}
