//! One account and Region: what a run is about.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    pub region: String,
    /// The account, once a listing has told it.
    pub account_id: Option<String>,
    /// Whether it is the embedded API's and no account of AWS.
    pub simulated: bool,
}
