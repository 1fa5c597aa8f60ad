//! The door to systemd: tells the service manager that the daemon is ready, what it does, and that it still moves.
//!
//! Nothing depends on it: where nobody listens every call does nothing, and what cannot be sent is left out. It sends
//! from a thread of its own, because a send waits while systemd's queue is full (`sd-notify` has no other way), and the
//! loop must not wait with it.

use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::mpsc::{self, Receiver, SyncSender};

use sd_notify::NotifyState;
use tokio::time::Duration;

use crate::sys::environment::variable;
use crate::sys::escape;

/// How many messages may wait to be sent. A loop that pings four times a watchdog's period fills it only while systemd
/// takes nothing for hours, and then what is left out are pings that nobody reads.
const WAITING: usize = 64;

/// The longest status text in characters. Escaped they take ten bytes each at most (`\u{10ffff}`), and systemd reads
/// 4096 bytes of a message.
const STATUS_LIMIT: usize = 200;

/// How long the last messages may take to be sent when the process is about to end.
const FAREWELL: Duration = Duration::from_millis(500);

/// What the daemon tells systemd.
pub(crate) struct Systemd {
    listener: Option<Box<dyn Listener>>,
    watchdog: Option<Duration>,
    /// The status text that was sent last.
    status: String,
}

/// Whoever takes messages, each a datagram of lines.
trait Listener: Send {
    /// Takes a message without waiting.
    fn tell(&mut self, message: String);
}

impl Systemd {
    /// Finds out whether anyone listens, and how often they want to hear that the daemon moves.
    pub(crate) fn new() -> Self {
        if variable("NOTIFY_SOCKET").is_none() {
            return Self::to(None, None);
        }
        match Thread::start() {
            Ok(thread) => Self::to(Some(Box::new(thread)), sd_notify::watchdog_enabled()),
            Err(error) => {
                tracing::debug!(%error, "no thread for messages to systemd");
                Self::to(None, None)
            }
        }
    }

    fn to(listener: Option<Box<dyn Listener>>, watchdog: Option<Duration>) -> Self {
        Self {
            // Without a listener there is nobody to keep awake for, and a period of zero means no watchdog.
            watchdog: watchdog.filter(|period| listener.is_some() && !period.is_zero()),
            listener,
            status: String::new(),
        }
    }

    /// Says that the daemon has started, or that a reload is over.
    pub(crate) fn ready(&mut self) {
        self.tell(&[NotifyState::Ready]);
    }

    /// Says in words what the daemon does, for `systemctl status`; the same words twice are sent once.
    pub(crate) fn status(&mut self, text: &str) {
        let text = escape::escaped(text, STATUS_LIMIT);
        if text != self.status {
            self.tell(&[NotifyState::Status(&text)]);
            self.status = text;
        }
    }

    /// Says that a reload begins; [`ready`](Self::ready) ends it.
    pub(crate) fn reloading(&mut self) {
        // The time goes into the same message: from version 253 on systemd takes no reload for begun without it.
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            self.tell(&[NotifyState::Reloading, now]);
        }
    }

    /// Says that the daemon is about to end.
    pub(crate) fn stopping(&mut self) {
        self.tell(&[NotifyState::Stopping]);
    }

    /// Says that the daemon is alive.
    fn ping(&mut self) {
        self.tell(&[NotifyState::Watchdog]);
    }

    fn tell(&mut self, states: &[NotifyState]) {
        if let Some(listener) = &mut self.listener {
            let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
            listener.tell(lines.join("\n"));
        }
    }
}

/// Says four times in a watchdog's period that the daemon is alive, for as long as `is_alive` says so; without a watchdog
/// it only waits. It runs beside the loop, on its thread: a loop that blocks the thread keeps it from speaking too.
pub(crate) async fn watchdog(
    systemd: &RefCell<Systemd>,
    is_alive: impl Fn() -> bool,
) -> Infallible {
    let period = systemd.borrow().watchdog;
    let Some(period) = period else {
        return std::future::pending().await;
    };
    loop {
        if is_alive() {
            systemd.borrow_mut().ping();
        }
        tokio::time::sleep(period / 4).await;
    }
}

impl Default for Systemd {
    fn default() -> Self {
        Self::new()
    }
}

struct Thread {
    messages: Option<SyncSender<String>>,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
    /// Whether a message was left out and the log knows.
    is_behind: bool,
}

impl Thread {
    fn start() -> std::io::Result<Self> {
        let (messages, waiting) = mpsc::sync_channel::<String>(WAITING);
        let (end, ended) = mpsc::sync_channel(0);
        let send_all = move || {
            let _end: SyncSender<()> = end;
            let mut has_failed = false;
            for message in waiting {
                // A send that failed is not repeated, and the next one is tried: systemd may have come back.
                if let Err(error) = sd_notify::notify(&[NotifyState::Custom(&message)])
                    && !has_failed
                {
                    has_failed = true;
                    tracing::debug!(%error, "systemd could not be told");
                }
            }
        };
        std::thread::Builder::new()
            .name("systemd".into())
            .spawn(send_all)?;
        Ok(Self {
            messages: Some(messages),
            ended,
            is_behind: false,
        })
    }
}

impl Listener for Thread {
    fn tell(&mut self, message: String) {
        let is_left_out = self
            .messages
            .as_ref()
            .is_some_and(|messages| messages.try_send(message).is_err());
        if is_left_out && !self.is_behind {
            self.is_behind = true;
            tracing::debug!("systemd takes no messages; some are left out");
        }
    }
}

impl Drop for Thread {
    /// Lets the last messages out. A thread that is stuck in a send is left behind; it ends with the process.
    fn drop(&mut self) {
        self.messages = None;
        let _ = self.ended.recv_timeout(FAREWELL);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::process::{Child, Command};
    use std::sync::{Arc, Mutex};

    use super::*;

    const PERIOD: Duration = Duration::from_mins(1);

    #[derive(Clone, Default)]
    struct Ear(Arc<Mutex<Vec<String>>>);

    impl Listener for Ear {
        fn tell(&mut self, message: String) {
            self.0.lock().unwrap().push(message);
        }
    }

    impl Ear {
        fn heard(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    fn systemd(watchdog: Option<Duration>) -> (Systemd, Ear) {
        let ear = Ear::default();
        (Systemd::to(Some(Box::new(ear.clone())), watchdog), ear)
    }

    #[test]
    fn each_state_is_one_message() {
        let (mut systemd, ear) = systemd(None);
        systemd.ready();
        systemd.reloading();
        systemd.stopping();
        let heard = ear.heard();
        let [ready, reloading, stopping] = heard.as_slice() else {
            panic!("{heard:?}")
        };
        assert_eq!(
            (ready.as_str(), stopping.as_str()),
            ("READY=1", "STOPPING=1")
        );
        let microseconds = reloading
            .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
            .unwrap();
        assert!(microseconds.parse::<u64>().unwrap() > 0);
    }

    #[test]
    fn a_status_is_sent_when_it_changes_as_one_short_line() {
        let (mut systemd, ear) = systemd(None);
        for text in ["3 images", "3 images", "4 images", "a\nREADY=1", "3 images"] {
            systemd.status(text);
        }
        assert_eq!(
            ear.heard(),
            [
                "STATUS=3 images",
                "STATUS=4 images",
                "STATUS=a\\nREADY=1",
                "STATUS=3 images"
            ]
        );
        systemd.status(&"\u{10ffff}".repeat(5000));
        assert!(ear.heard()[0].len() < 4096);
    }

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_is_pinged_while_the_daemon_is_alive() {
        let (systemd, ear) = systemd(Some(PERIOD));
        let systemd = RefCell::new(systemd);
        for (is_alive, pings) in [(true, 8), (false, 0), (true, 8)] {
            let watchdog = watchdog(&systemd, || is_alive);
            let _ = tokio::time::timeout(PERIOD / 8 * 15, watchdog).await;
            assert_eq!(ear.heard(), vec!["WATCHDOG=1"; pings]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_watchdog_nothing_is_pinged() {
        for period in [None, Some(Duration::ZERO)] {
            let (systemd, ear) = systemd(period);
            let systemd = RefCell::new(systemd);
            let _ = tokio::time::timeout(PERIOD, watchdog(&systemd, || true)).await;
            assert_eq!(ear.heard(), [""; 0]);
        }
        assert_eq!(Systemd::to(None, Some(PERIOD)).watchdog, None);
    }

    /// Runs one of the daemons below in a process of its own, whose environment names the socket.
    fn start(daemon: &str, socket: &std::path::Path) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                &format!("probe::systemd::tests::{daemon}"),
                "--ignored",
            ])
            .env("NOTIFY_SOCKET", socket)
            .env("WATCHDOG_USEC", PERIOD.as_micros().to_string())
            .env_remove("WATCHDOG_PID")
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    }

    #[tokio::test]
    #[ignore = "a process that another test starts"]
    async fn a_quiet_daemon() {
        let mut systemd = Systemd::new();
        systemd.ready();
        systemd.status("3 images");
        systemd.ping();
        systemd.stopping();
    }

    #[tokio::test]
    #[ignore = "a process that another test starts"]
    async fn a_noisy_daemon() {
        let mut systemd = Systemd::new();
        // More than the queues of both sides take.
        for image in 0..1000 {
            systemd.status(&format!("image {image}"));
        }
    }

    #[test]
    fn systemd_hears_everything_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PERIOD)).unwrap();
        let mut daemon = start("a_quiet_daemon", &path);
        for message in [
            "READY=1\n",
            "STATUS=3 images\n",
            "WATCHDOG=1\n",
            "STOPPING=1\n",
        ] {
            let mut buffer = [0; 4096];
            let length = socket.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], message.as_bytes());
        }
        assert!(daemon.wait().unwrap().success());
    }

    #[test]
    fn nobody_waits_for_a_listener_that_does_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _socket = UnixDatagram::bind(&path).unwrap();
        assert!(start("a_noisy_daemon", &path).wait().unwrap().success());
    }

    #[test]
    fn a_socket_that_is_gone_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        assert!(start("a_noisy_daemon", &path).wait().unwrap().success());
    }
}
