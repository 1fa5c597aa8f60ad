//! The manifests of a checkout, for the daemon: read only while the files do not change, with the last valid set kept. It
//! changes nothing, and waits only for Git.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use crate::manifest::{self, Options, Problem, Touched, touched};
use crate::model::image::Desired;
use crate::run::revision::{RequireClean, Revision};
use crate::state::status::ManifestsStatus;
use crate::sys::escape::escaped;
use crate::sys::git::{self, GitOperation};
use crate::sys::git_command::Git;
use crate::sys::words::first;

/// How long files must stay unchanged before they are read. Editors and tools that write in several steps take
/// milliseconds between the steps.
pub const QUIET_TIME: Duration = Duration::from_millis(200);

/// How long files must stay unchanged before they are read, if the last line of one has no line break. That file can be a
/// part of a file that is still being written, over a network too.
pub const UNENDED_REST: Duration = Duration::from_secs(30);

/// How long files may keep changing before repave reports it.
const UNSTABLE_WARNING: Duration = Duration::from_secs(10);

/// How long to wait for Git's index lock. Git holds the lock for seconds; a Git process that died leaves it behind.
const INDEX_LOCK: Duration = Duration::from_mins(1);

/// How long to wait for an unfinished rebase or merge. The user is resolving conflicts, or has forgotten it.
const SEQUENCE: Duration = Duration::from_mins(15);

/// How long repave waits for a rebase or merge before it reports it. Without a conflict they take milliseconds.
const SEQUENCE_REPORT: Duration = Duration::from_secs(2);

/// How long repave waits for Git's index lock before it reports it.
const INDEX_LOCK_REPORT: Duration = Duration::from_secs(10);

/// The most problems that are logged one by one or written to the status file.
const MAX_PROBLEMS: usize = 100;

/// Why manifests are not used although they are valid.
const UNENDED: &str = "found no line break at the end of the file, so the file may be incomplete; repave uses the manifests \
     when no file has changed for 30s. Add the line break, and repave uses them at once";

/// The result of a check of the manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The manifests are the same as before.
    Unchanged,
    /// The manifests were read, and their content or their problems changed.
    Changed,
    /// The files are being written; check again after this time.
    NotYet(Duration),
}

/// A valid set of manifests.
#[derive(Debug)]
pub struct Set {
    pub desired: Desired,
    digest: String,
    revision: Revision,
}

/// Why repave does not use the manifests as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
enum HeldBack {
    /// The files keep changing.
    Changing,
    /// Git is changing the files, or has not finished.
    Git(GitOperation),
    /// `--require-clean`.
    NotClean(String),
}

impl fmt::Display for HeldBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changing => f.write_str("the files keep changing, so repave does not read them"),
            Self::Git(work @ GitOperation::IndexLock) => {
                write!(f, "Git {work}. Remove it if no Git process runs")
            }
            Self::Git(work @ GitOperation::Unfinished(what)) => {
                write!(f, "Git {work}. Finish it, or run git {what} --abort")
            }
            Self::NotClean(why) => f.write_str(why),
        }
    }
}

/// The manifests of a checkout.
#[derive(Debug)]
pub struct Checkout {
    folder: PathBuf,
    options: Options,
    git: Git,
    require_clean: Option<RequireClean>,
    set: Option<Set>,
    /// The problems found by the last read.
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    /// The state of the files at the last read, and since when they have it.
    read: Option<(Touched, Instant)>,
    /// The revision of the files at the last read.
    revision: Option<Revision>,
    /// The state of the files if they changed since the last read, and when the change was first seen.
    changed: Option<(Touched, Instant)>,
    /// The files that are not used yet, because their last line has no line break.
    unended: Vec<String>,
    /// Since when the files keep changing.
    unstable: Option<Waiting>,
    /// What Git is doing in the checkout, and since when.
    git_operation: Option<(GitOperation, Waiting)>,
    /// Why the files are held back now.
    held_back: Option<HeldBack>,
    /// Whether `held_back` changed since the last [`Checkout::take_news`].
    has_news: bool,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    since: Instant,
    logged: bool,
}

impl Waiting {
    fn since(now: Instant) -> Self {
        Self {
            since: now,
            logged: false,
        }
    }

    /// Returns whether to log that this takes longer than `limit`: true once.
    fn should_log(&mut self, limit: Duration, now: Instant) -> bool {
        let should_log = !self.logged && now.duration_since(self.since) >= limit;
        self.logged |= should_log;
        should_log
    }
}

impl Checkout {
    /// Returns a checkout of the manifests in `folder`. Nothing has been read yet.
    pub fn new(folder: &Path, options: Options) -> Self {
        Self {
            folder: folder.to_owned(),
            options,
            git: Git::default(),
            require_clean: None,
            set: None,
            problems: Vec::new(),
            warnings: Vec::new(),
            read: None,
            revision: None,
            changed: None,
            unended: Vec::new(),
            unstable: None,
            git_operation: None,
            held_back: None,
            has_news: false,
        }
    }

    /// Uses only manifests that are those of the commit.
    #[must_use]
    pub fn requiring(mut self, rule: Option<RequireClean>) -> Self {
        self.require_clean = rule;
        self
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the last valid set: it stays in use while the manifests have problems.
    pub fn set(&self) -> Option<&Set> {
        self.set.as_ref()
    }

    /// Returns whether the manifests were valid at the last read.
    pub(crate) fn is_valid(&self) -> bool {
        self.set.is_some() && self.problems.is_empty()
    }

    /// Returns whether the manifests as they are now are held back.
    pub(crate) fn is_held_back(&self) -> bool {
        self.held_back.is_some()
    }

    /// Returns whether manifests are held back that `--require-clean` demands.
    pub(crate) fn is_unready(&self) -> bool {
        self.require_clean.is_some() && self.held_back.is_some()
    }

    /// Returns whether the reason why manifests are held back changed since the last call.
    pub(crate) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    /// Returns every folder in which a new manifest could appear, as of the last check, and those in which Git records a
    /// commit.
    pub fn folders(&self) -> Vec<PathBuf> {
        let seen = self.changed.as_ref().or(self.read.as_ref());
        let manifests = seen.map_or(&[][..], |(seen, _)| seen.folders());
        [manifests, &git::folders(&self.folder)].concat()
    }

    /// Returns what the status file says about the manifests.
    pub fn manifests(&self) -> ManifestsStatus {
        let problems = self.problems.iter().map(ToString::to_string);
        let mut problems = first(MAX_PROBLEMS, problems);
        let unended = self.unended.iter().map(|file| format!("{file}: {UNENDED}"));
        problems.extend(first(MAX_PROBLEMS, unended));
        ManifestsStatus {
            revision: self.set.as_ref().and_then(|set| set.revision.text()),
            dirty: self.set.as_ref().and_then(|set| set.revision.dirty()),
            digest: self.set.as_ref().map(|set| set.digest.clone()),
            held_back: self.held_back.as_ref().map(ToString::to_string),
            problems,
        }
    }

    /// Checks the files, and reads all of them if they or their commit changed since the last read and do not change now.
    /// With `fully`, reads them even if they did not change. Git runs only after a change, or if it had no answer before.
    pub async fn check(&mut self, fully: bool, now: Instant) -> Check {
        let seen = touched(&self.folder);
        let read = self.read.as_ref().filter(|(read, _)| *read == seen);
        let mut since = read.map(|(_, since)| *since);
        let is_unchanged = since.is_some();
        let known = self.revision.clone().filter(Revision::is_current);
        if is_unchanged {
            self.changed = None;
            if !fully && known.is_some() {
                return self.stable(Check::Unchanged);
            }
        } else if let Some(delay) = self.quiet_time_left(&seen, now) {
            return self.not_yet(delay, now);
        } else if let Some(delay) = self.git_wait(now) {
            return Check::NotYet(delay);
        }
        let loaded = manifest::load(&self.folder, &self.options);
        let revision = match known.filter(|known| is_unchanged && known.dirty().is_some()) {
            Some(known) => known,
            None => Revision::of(&self.folder, &seen, &self.git).await,
        };
        let after = touched(&self.folder);
        if after != seen || !revision.is_current() {
            self.changed = Some((after, now));
            return self.not_yet(QUIET_TIME, now);
        }
        let since = *since.get_or_insert_with(|| self.changed.as_ref().map_or(now, |(_, at)| *at));
        if let Ok(loaded) = &loaded
            && let Some(delay) = self.rest_left(&loaded.unended, since, now)
        {
            return Check::NotYet(delay);
        }
        self.changed = None;
        self.read = Some((seen, since));
        self.revision = Some(revision.clone());
        let waited = !std::mem::take(&mut self.unended).is_empty();
        let check = match loaded {
            Err(invalid) => self.refuse(invalid.problems),
            Ok(_) if self.objection().is_some() => {
                let had_problems = !std::mem::take(&mut self.problems).is_empty();
                if had_problems {
                    Check::Changed
                } else {
                    Check::Unchanged
                }
            }
            Ok(loaded) => self.accept(loaded, revision),
        };
        // The status file must no longer say that files are not used.
        let check = if waited { Check::Changed } else { check };
        self.stable(check)
    }

    /// Returns why the files of the last read may not be used.
    fn objection(&self) -> Option<String> {
        let rule = self.require_clean.as_ref()?;
        self.revision.as_ref()?.objection(rule)
    }

    /// Returns how much longer the files must stay unchanged, if one of them may be incomplete.
    fn rest_left(&mut self, unended: &[String], since: Instant, now: Instant) -> Option<Duration> {
        let left = UNENDED_REST.saturating_sub(now.duration_since(since));
        if unended.is_empty() || left.is_zero() {
            return None;
        }
        if self.unended != unended {
            for file in unended.iter().take(MAX_PROBLEMS) {
                tracing::warn!("{}: {UNENDED}", escaped(file, 400));
            }
            self.unended = unended.to_vec();
        }
        // They do not keep changing any more.
        self.unstable.take_if(|waiting| !waiting.logged);
        Some(left)
    }

    /// Returns how much longer the files must stay unchanged, if they must.
    fn quiet_time_left(&mut self, seen: &Touched, now: Instant) -> Option<Duration> {
        match &self.changed {
            Some((before, since)) if before == seen => {
                let left = QUIET_TIME.saturating_sub(now.duration_since(*since));
                (!left.is_zero()).then_some(left)
            }
            Some(_) | None => {
                self.changed = Some((seen.clone(), now));
                Some(QUIET_TIME)
            }
        }
    }

    fn not_yet(&mut self, delay: Duration, now: Instant) -> Check {
        let waiting = self.unstable.get_or_insert(Waiting::since(now));
        if waiting.should_log(UNSTABLE_WARNING, now) {
            self.hold_back(Some(HeldBack::Changing));
        }
        Check::NotYet(delay)
    }

    /// Reports whether the files, which do not change now, are held back.
    fn stable(&mut self, check: Check) -> Check {
        self.unstable = None;
        let held_back = self.objection().map(HeldBack::NotClean);
        if self.hold_back(held_back) {
            return Check::Changed;
        }
        check
    }

    /// Records why the files are held back, and logs a change. Returns whether it changed.
    fn hold_back(&mut self, held_back: Option<HeldBack>) -> bool {
        if self.held_back == held_back {
            return false;
        }
        match (&held_back, &self.set) {
            (None, _) => tracing::info!("the manifests are no longer held back"),
            (Some(why), Some(_)) => {
                tracing::warn!(
                    "the manifests are held back, and the last valid set stays in use: {why}"
                );
            }
            (Some(why), None) => {
                tracing::warn!("the manifests are held back, and repave does nothing: {why}");
            }
        }
        self.held_back = held_back;
        self.has_news = true;
        true
    }

    /// Returns when to check Git again, if repave waits for Git.
    fn git_wait(&mut self, now: Instant) -> Option<Duration> {
        let work = git::operation_in_progress(&self.folder);
        let waiting = match (work, self.git_operation) {
            (None, _) => {
                self.git_operation = None;
                return None;
            }
            (Some(work), Some((before, waiting))) if before == work => waiting,
            (Some(_), _) => Waiting::since(now),
        };
        let work = work?;
        let (_, waiting) = self.git_operation.insert((work, waiting));
        let (report, limit, pause) = match work {
            GitOperation::IndexLock => (INDEX_LOCK_REPORT, INDEX_LOCK, Duration::from_millis(50)),
            GitOperation::Unfinished(_) => (SEQUENCE_REPORT, SEQUENCE, Duration::from_secs(1)),
        };
        if waiting.should_log(limit, now) {
            tracing::warn!(
                "Git {work} for more than {limit:?}; repave now reads the manifests anyway"
            );
        }
        let waiting = *waiting;
        if waiting.logged {
            return None;
        }
        if now.duration_since(waiting.since) >= report {
            self.hold_back(Some(HeldBack::Git(work)));
        }
        Some(pause)
    }

    fn accept(&mut self, loaded: manifest::Loaded, revision: Revision) -> Check {
        let recovered = !self.problems.is_empty();
        self.problems.clear();
        if self.warnings != loaded.warnings {
            for warning in &loaded.warnings {
                tracing::warn!("{warning}");
            }
            self.warnings = loaded.warnings;
        }
        let set = Set {
            revision,
            digest: loaded.digest,
            desired: loaded.desired,
        };
        let (manifests, files) = (set.desired.len(), loaded.files);
        let revision = set.revision.text();
        let revision = escaped(revision.as_deref().unwrap_or("none"), 200);
        let dirty = set.revision.dirty();
        let before = self.set.replace(set);
        let was_dirty = before.as_ref().map(|before| before.revision.dirty());
        let same = match (&before, &self.set) {
            (Some(before), Some(now)) => before.desired == now.desired,
            _ => false,
        };
        match (recovered, same) {
            (false, true) if was_dirty == Some(dirty) => return Check::Unchanged,
            (false, true) => {
                tracing::debug!(revision, "the manifests are the same in another revision");
            }
            (true, _) => {
                tracing::info!(manifests, files, revision, "the manifests are valid again");
            }
            (false, false) if before.is_none() => {
                tracing::info!(manifests, files, revision, "manifests read");
            }
            (false, false) => tracing::info!(manifests, files, revision, "manifests changed"),
        }
        Check::Changed
    }

    fn refuse(&mut self, problems: Vec<Problem>) -> Check {
        if self.problems == problems {
            return Check::Unchanged;
        }
        let count = problems.len();
        for problem in problems.iter().take(MAX_PROBLEMS) {
            tracing::warn!("{problem}");
        }
        let then = match &self.set {
            Some(_) => "the last valid set stays in use",
            None => "repave does nothing until they are valid",
        };
        tracing::warn!(problems = count, "the manifests are invalid; {then}");
        self.problems = problems;
        Check::Changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::files::write_whole;

    fn manifest(name: &str, description: &str) -> String {
        format!(
            "apiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: {{ name: {name} }}\n\
             spec: {{ source: {{ imageId: wsi-gold00000 }}, description: {description} }}\n"
        )
    }

    #[test]
    fn manifests_that_change_while_they_are_read_are_never_used() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(format!("{name}.yaml"));
            write_whole(&path, manifest(name, text).as_bytes()).unwrap();
        };
        // Many files are read between the first and the last: enough time to change both.
        for number in 0..200 {
            write(&format!("n{number}"), "same");
        }
        let mut checkout = Checkout::new(folder.path(), Options { allow_empty: true });
        let mut now = Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.build().unwrap();
        let mut check = |checkout: &mut Checkout| {
            now += QUIET_TIME;
            runtime.block_on(checkout.check(false, now));
            let set = checkout.set()?;
            let ends = [set.desired.iter().next()?, set.desired.iter().last()?];
            Some(ends.map(|image| image.description.to_string()))
        };
        let both = |number: u32| {
            write("a", &format!("write{number}"));
            write("z", &format!("write{number}"));
        };
        for number in 0..20 {
            both(2 * number);
            check(&mut checkout);
            // The files have not changed for long enough, so this check reads them while another thread writes.
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    pause(Duration::from_micros(u64::from(number) * 900));
                    both(2 * number + 1);
                });
                if let Some([first, last]) = check(&mut checkout) {
                    assert_eq!(first, last);
                }
            });
        }
        // Once the files no longer change, the last write is used.
        check(&mut checkout);
        assert_eq!(
            check(&mut checkout),
            Some(["write39", "write39"].map(Into::into))
        );
    }

    #[expect(clippy::disallowed_methods, reason = "another program, in real time")]
    fn pause(duration: Duration) {
        std::thread::sleep(duration);
    }

    #[test]
    fn a_long_wait_is_logged_once() {
        let start = Instant::now();
        let mut waiting = Waiting::since(start);
        let logged_at: Vec<u64> = (0..40)
            .filter(|second| {
                waiting.should_log(UNSTABLE_WARNING, start + Duration::from_secs(*second))
            })
            .collect();
        assert_eq!(logged_at, [10]);
        let mut late = Waiting::since(start);
        assert!(!late.should_log(
            UNSTABLE_WARNING,
            start + UNSTABLE_WARNING - Duration::from_nanos(1)
        ));
        assert!(late.should_log(UNSTABLE_WARNING, start + 2 * UNSTABLE_WARNING));
    }

    #[tokio::test]
    async fn manifests_are_valid_if_there_is_a_set_and_no_problem_since() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        let mut checkout = Checkout::new(folder.path(), Options { allow_empty: true });
        assert!(!checkout.is_valid());
        let mut now = Instant::now();
        for (text, is_valid, has_set) in [
            ("kind: [".to_owned(), false, false),
            (manifest("a", "one"), true, true),
            ("kind: [".to_owned(), false, true),
            (manifest("a", "one"), true, true),
        ] {
            write_whole(&file, text.as_bytes()).unwrap();
            checkout.check(true, now).await;
            now += QUIET_TIME;
            checkout.check(true, now).await;
            let found = (checkout.is_valid(), checkout.set().is_some());
            assert_eq!(found, (is_valid, has_set), "{text}");
        }
    }

    #[test]
    fn the_status_has_a_limited_number_of_problems_and_counts_the_rest() {
        let problem = manifest::parse("a.yaml", "a").problems.remove(0);
        for (count, shown, last) in [
            (99, 99, None),
            (100, 100, None),
            (101, 101, Some("and 1 more")),
            (102, 101, Some("and 2 more")),
        ] {
            let mut checkout = Checkout::new(Path::new("none"), Options { allow_empty: true });
            checkout.refuse(vec![problem.clone(); count]);
            let problems = checkout.manifests().problems;
            assert_eq!(problems.len(), shown, "{count}");
            let more = problems.last().filter(|line| line.starts_with("and"));
            assert_eq!(more.map(String::as_str), last, "{count}");
        }
    }
}
