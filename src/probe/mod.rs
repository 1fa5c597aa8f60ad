//! How the daemon is monitored: health checks, metrics, systemd.

pub mod health;
pub mod measured;
pub mod metrics;
pub mod systemd;
