//! The real binary, stopped (SIGSTOP, as by a machine that sleeps) between a listing and the plan that is made from it.

use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use repave::state::status::{ImageStatus, Status};
use repave::sys::clock::Clock;
use tokio::sync::Notify;

use crate::binary::{Checkout, SOURCE, created};
use crate::wire::{Server, Wire, page};

/// The daemon; it does not outlive a test that fails.
struct Daemon(Child);

impl Daemon {
    fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.unwrap().success(), "{signal}");
    }

    /// Whether the system has stopped it: the state stands after the program's name, which ends with the last bracket.
    fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        stat.rsplit(')').next().unwrap().trim().starts_with('T')
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the status file says of the one image.
fn entry(folder: &Path) -> Option<ImageStatus> {
    let bytes = std::fs::read(folder.join(".repave/status.json")).ok()?;
    let status: Status = serde_json::from_slice(&bytes).unwrap();
    status.images.into_iter().next()
}

/// Waits for a state.
async fn until(what: &str, state: impl Fn() -> bool) {
    let waits = async {
        while !state() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(2), waits).await;
    assert!(waited.is_ok(), "never: {what}");
}

/// Names are not unique here: the server takes every create. The listing that was begun before the window's end is stale, and
/// its plan is made after that end.
#[tokio::test]
async fn a_listing_from_before_the_windows_end_makes_no_second_image_after_it() {
    if !cfg!(target_os = "linux") {
        return;
    }
    // Where this machine is so slow that a window has ended before it could be stopped, the next one is longer.
    for seconds in [4, 8, 16] {
        let settle = SignedDuration::from_secs(seconds);
        let release = Arc::new(Notify::new());
        let there = || page(&[SOURCE, "wsi-a a AVAILABLE"], None);
        let server = Server::start(vec![
            page(&[SOURCE], None),
            created("wsi-a"),
            page(&[SOURCE], None),
            Wire::Held(Arc::clone(&release), Box::new(page(&[SOURCE], None))),
            there(),
            there(),
            there(),
        ])
        .await;
        let checkout = Checkout::of(&["a"]);
        let arguments = format!(
            "reconcile --endpoint-url {} --api-rate 1000 --settle-time {seconds}s",
            server.url
        );
        let daemon = Daemon(checkout.command(&arguments).spawn().unwrap());
        let known = |what: fn(&ImageStatus) -> bool| {
            let folder = checkout.path();
            move || entry(folder).as_ref().is_some_and(what)
        };
        until("accepted", known(|entry| entry.image_id.is_some())).await;
        daemon.signal("HUP");
        until("missing", known(|entry| entry.missing_since.is_some())).await;
        let ends = entry(checkout.path()).unwrap().missing_since.unwrap() + settle;
        daemon.signal("HUP");
        until("listed again", || server.operations().len() == 4).await;
        daemon.signal("STOP");
        until("stopped", || daemon.is_stopped()).await;
        if Clock::wall().now() >= ends {
            continue;
        }
        // A second more: times are recorded in whole ones.
        let over = ends + SignedDuration::from_secs(1);
        until("the window ended", || Clock::wall().now() > over).await;
        release.notify_one();
        daemon.signal("CONT");

        until("the next call", || server.operations().len() > 4).await;
        let operations = server.operations();
        let creates = operations
            .iter()
            .filter(|operation| operation.eq_ignore_ascii_case("CreateUpdatedWorkspaceImage"));
        assert_eq!(creates.count(), 1, "{operations:?}");
        // And it goes on: the next listing shows the image.
        until("seen", known(|entry| entry.first_seen_at.is_some())).await;
        return;
    }
    panic!("this machine was too slow for every window");
}
