//! The target of a run: one account and Region.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    pub region: String,
    /// The account, once a listing has reported it.
    pub account_id: Option<String>,
    /// Whether it is a simulated account.
    pub simulated: bool,
    /// Where the credentials of the last run came from: a profile, a role, variables. Null in the simulator.
    #[serde(default)]
    pub credentials: Option<String>,
}
