//! How a process that stays is watched: health, metrics, systemd.

pub mod health;
pub mod measured;
pub mod metrics;
pub mod systemd;
