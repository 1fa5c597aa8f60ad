//! The door to systemd: notifies the service manager that the daemon is ready, what it does, and that it is alive.
//!
//! Nothing depends on it: without systemd every call does nothing, and messages that cannot be sent are dropped. A separate
//! thread sends them, because a send blocks while systemd's queue is full, and the loop must not block.

use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::mpsc::{self, Receiver, SyncSender};

use sd_notify::NotifyState;
use tokio::time::Duration;

use crate::sys::environment::variable;
use crate::sys::escape;

/// How many messages may wait to be sent. With four pings per watchdog period, the queue is full only if systemd reads nothing
/// for hours.
const QUEUE_LENGTH: usize = 64;

/// The longest status text in characters. An escaped character is at most ten bytes (`\u{10ffff}`), and systemd reads 4096
/// bytes of a message.
const STATUS_LIMIT: usize = 200;

/// How long to wait for the last messages to be sent before the process ends.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// Notifies systemd.
pub(crate) struct Systemd {
    sender: Option<Box<dyn Sender>>,
    watchdog: Option<Duration>,
    /// The status text that was sent last.
    status: String,
}

/// Sends messages, each as one datagram of lines.
trait Sender: Send {
    /// Sends a message without waiting.
    fn send(&mut self, message: String);
}

impl Systemd {
    /// Reads from the environment whether systemd listens, and its watchdog period.
    pub(crate) fn new() -> Self {
        if variable("NOTIFY_SOCKET").is_none() {
            return Self::to(None, None);
        }
        match Thread::start() {
            Ok(thread) => Self::to(Some(Box::new(thread)), sd_notify::watchdog_enabled()),
            Err(error) => {
                tracing::debug!(%error, "cannot start the thread that notifies systemd");
                Self::to(None, None)
            }
        }
    }

    fn to(sender: Option<Box<dyn Sender>>, watchdog: Option<Duration>) -> Self {
        Self {
            // A period of zero means no watchdog.
            watchdog: watchdog.filter(|period| sender.is_some() && !period.is_zero()),
            sender,
            status: String::new(),
        }
    }

    /// Reports that the daemon has started, or that a reload has ended.
    pub(crate) fn ready(&mut self) {
        self.notify(&[NotifyState::Ready]);
    }

    /// Sends a status text for `systemctl status`, if the text has changed.
    pub(crate) fn status(&mut self, text: &str) {
        let text = escape::escaped(text, STATUS_LIMIT);
        if text != self.status {
            self.notify(&[NotifyState::Status(&text)]);
            self.status = text;
        }
    }

    /// Reports that a reload begins; [`ready`](Self::ready) ends it.
    pub(crate) fn reloading(&mut self) {
        // The time must be in the same message: systemd 253 and later ignore a reload without it.
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            self.notify(&[NotifyState::Reloading, now]);
        }
    }

    /// Reports that the daemon is about to end.
    pub(crate) fn stopping(&mut self) {
        self.notify(&[NotifyState::Stopping]);
    }

    /// Reports that the daemon is alive.
    fn ping(&mut self) {
        self.notify(&[NotifyState::Watchdog]);
    }

    fn notify(&mut self, states: &[NotifyState]) {
        if let Some(sender) = &mut self.sender {
            let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
            sender.send(lines.join("\n"));
        }
    }
}

/// Pings systemd four times per watchdog period while `is_alive` is true; without a watchdog it only waits. It runs on the
/// loop's thread: if the loop blocks the thread, the pings stop.
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
    /// Whether a dropped message was logged.
    is_behind: bool,
}

impl Thread {
    fn start() -> std::io::Result<Self> {
        let (messages, waiting) = mpsc::sync_channel::<String>(QUEUE_LENGTH);
        let (end, ended) = mpsc::sync_channel(0);
        let send_all = move || {
            let _end: SyncSender<()> = end;
            let mut has_failed = false;
            for message in waiting {
                // A failed send is not retried. The next message is sent: systemd may be back.
                if let Err(error) = sd_notify::notify(&[NotifyState::Custom(&message)])
                    && !has_failed
                {
                    has_failed = true;
                    tracing::debug!(%error, "cannot notify systemd");
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

impl Sender for Thread {
    fn send(&mut self, message: String) {
        let is_dropped = self
            .messages
            .as_ref()
            .is_some_and(|messages| messages.try_send(message).is_err());
        if is_dropped && !self.is_behind {
            self.is_behind = true;
            tracing::debug!("systemd does not read its messages; some were dropped");
        }
    }
}

impl Drop for Thread {
    /// Waits for the last messages. A thread that is stuck in a send ends with the process.
    fn drop(&mut self) {
        self.messages = None;
        let _ = self.ended.recv_timeout(DRAIN_TIMEOUT);
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
    struct Recorder(Arc<Mutex<Vec<String>>>);

    impl Sender for Recorder {
        fn send(&mut self, message: String) {
            self.0.lock().unwrap().push(message);
        }
    }

    impl Recorder {
        fn messages(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    fn systemd(watchdog: Option<Duration>) -> (Systemd, Recorder) {
        let recorder = Recorder::default();
        (
            Systemd::to(Some(Box::new(recorder.clone())), watchdog),
            recorder,
        )
    }

    #[test]
    fn each_state_is_one_message() {
        let (mut systemd, recorder) = systemd(None);
        systemd.ready();
        systemd.reloading();
        systemd.stopping();
        let messages = recorder.messages();
        let [ready, reloading, stopping] = messages.as_slice() else {
            panic!("{messages:?}")
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
        let (mut systemd, recorder) = systemd(None);
        for text in ["3 images", "3 images", "4 images", "a\nREADY=1", "3 images"] {
            systemd.status(text);
        }
        assert_eq!(
            recorder.messages(),
            [
                "STATUS=3 images",
                "STATUS=4 images",
                "STATUS=a\\nREADY=1",
                "STATUS=3 images"
            ]
        );
        systemd.status(&"\u{10ffff}".repeat(5000));
        assert!(recorder.messages()[0].len() < 4096);
    }

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_is_pinged_while_the_daemon_is_alive() {
        let (systemd, recorder) = systemd(Some(PERIOD));
        let systemd = RefCell::new(systemd);
        for (is_alive, pings) in [(true, 8), (false, 0), (true, 8)] {
            let watchdog = watchdog(&systemd, || is_alive);
            let _ = tokio::time::timeout(PERIOD / 8 * 15, watchdog).await;
            assert_eq!(recorder.messages(), vec!["WATCHDOG=1"; pings]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_watchdog_there_are_no_pings() {
        for period in [None, Some(Duration::ZERO)] {
            let (systemd, recorder) = systemd(period);
            let systemd = RefCell::new(systemd);
            let _ = tokio::time::timeout(PERIOD, watchdog(&systemd, || true)).await;
            assert_eq!(recorder.messages(), [""; 0]);
        }
        assert_eq!(Systemd::to(None, Some(PERIOD)).watchdog, None);
    }

    /// Runs one of the daemons below as a separate process that notifies this socket.
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
        // More messages than both queues hold.
        for image in 0..1000 {
            systemd.status(&format!("image {image}"));
        }
    }

    #[test]
    fn systemd_receives_every_message_in_order() {
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
    fn a_daemon_does_not_wait_for_a_systemd_that_does_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _socket = UnixDatagram::bind(&path).unwrap();
        assert!(start("a_noisy_daemon", &path).wait().unwrap().success());
    }

    #[test]
    fn a_missing_socket_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        assert!(start("a_noisy_daemon", &path).wait().unwrap().success());
    }
}
