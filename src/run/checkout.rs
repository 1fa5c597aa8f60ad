//! The manifests of a checkout, as a process that stays may trust them: read while nothing touches them, and the last set
//! that was valid. It changes nothing, waits for nothing, and does not know why it is asked.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use crate::manifest::{self, Options, Problem, Touched, touched};
use crate::model::image::Desired;
use crate::state::status::ManifestsStatus;
use crate::sys::escape::escaped;
use crate::sys::git;

/// How long files must have rested before they are read: editors and tools that write in several steps take
/// milliseconds from one to the next.
pub const REST: Duration = Duration::from_millis(200);

/// How long files may go on changing before somebody is told.
const RESTLESS: Duration = Duration::from_secs(10);

/// How long Git's index lock is waited for. Git holds it for seconds; one that died leaves it behind for ever.
const INDEX_LOCK: Duration = Duration::from_mins(1);

/// How long an unfinished rebase or merge is waited for: a person resolves conflicts meanwhile, or has forgotten it.
const SEQUENCE: Duration = Duration::from_mins(15);

/// The most problems that are logged one by one, or stand in the status file.
const MAX_PROBLEMS: usize = 100;

/// What a look at the manifests found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// They say what they said before.
    Same,
    /// They were read, and say something else than before or have other problems.
    Changed,
    /// They are being written; look again after this time.
    NotYet(Duration),
}

/// A valid set of manifests.
#[derive(Debug)]
pub struct Set {
    pub desired: Desired,
    digest: String,
    revision: Option<String>,
}

/// The manifests of a checkout.
#[derive(Debug)]
pub struct Checkout {
    folder: PathBuf,
    options: Options,
    set: Option<Set>,
    /// What was wrong when they were last read.
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    /// The files as they were when they were last read.
    read: Option<Touched>,
    /// The files as they are, if they have changed since, and when that was first seen.
    changed: Option<(Touched, Instant)>,
    /// Since when they go on changing.
    restless: Option<Waiting>,
    /// What Git is doing, and since when.
    git: Option<(git::GitOperation, Waiting)>,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    since: Instant,
    told: bool,
}

impl Waiting {
    fn since(now: Instant) -> Self {
        Self {
            since: now,
            told: false,
        }
    }

    /// Tells, once, that this has lasted longer than `bound`.
    fn is_news(&mut self, bound: Duration, now: Instant) -> bool {
        let news = !self.told && now.duration_since(self.since) >= bound;
        self.told |= news;
        news
    }
}

impl Checkout {
    /// The manifests in `folder`, of which nothing has been read yet.
    pub fn new(folder: &Path, options: Options) -> Self {
        Self {
            folder: folder.to_owned(),
            options,
            set: None,
            problems: Vec::new(),
            warnings: Vec::new(),
            read: None,
            changed: None,
            restless: None,
            git: None,
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The last valid set: it stays in force while the manifests have problems.
    pub fn set(&self) -> Option<&Set> {
        self.set.as_ref()
    }

    /// Whether the manifests as they were last read are the set in force.
    pub(crate) fn is_valid(&self) -> bool {
        self.set.is_some() && self.problems.is_empty()
    }

    /// Every folder that a new manifest could appear in, as of the last look.
    pub fn folders(&self) -> &[PathBuf] {
        let seen = self.changed.as_ref().map(|(seen, _)| seen);
        seen.or(self.read.as_ref())
            .map_or(&[], |seen| seen.folders())
    }

    /// What stands in the status file about the manifests.
    pub fn manifests(&self) -> ManifestsStatus {
        let mut problems: Vec<String> = self
            .problems
            .iter()
            .take(MAX_PROBLEMS)
            .map(ToString::to_string)
            .collect();
        if self.problems.len() > MAX_PROBLEMS {
            problems.push(format!("and {} more", self.problems.len() - MAX_PROBLEMS));
        }
        if let Some(Waiting { told: true, .. }) = self.restless {
            problems.push("the files keep changing, so they are not read".into());
        }
        ManifestsStatus {
            revision: self.set.as_ref().and_then(|set| set.revision.clone()),
            digest: self.set.as_ref().map(|set| set.digest.clone()),
            problems,
        }
    }

    /// Looks at the files, and reads them all if they were touched since and rest now; with `fully`, even if they were
    /// not touched.
    pub fn look(&mut self, fully: bool, now: Instant) -> Look {
        let seen = touched(&self.folder);
        if self.read.as_ref() == Some(&seen) {
            self.changed = None;
            if !fully {
                return self.rested(Look::Same);
            }
        } else if let Some(rest) = self.rest_left(&seen, now) {
            return self.not_yet(rest, now);
        } else if let Some(rest) = self.git_left(now) {
            return Look::NotYet(rest);
        }
        let loaded = manifest::load(&self.folder, &self.options);
        let after = touched(&self.folder);
        if after != seen {
            self.changed = Some((after, now));
            return self.not_yet(REST, now);
        }
        self.changed = None;
        self.read = Some(seen);
        let look = match loaded {
            Ok(loaded) => self.accept(loaded),
            Err(invalid) => self.refuse(invalid.problems),
        };
        self.rested(look)
    }

    /// How long the files must rest still, if at all.
    fn rest_left(&mut self, seen: &Touched, now: Instant) -> Option<Duration> {
        match &self.changed {
            Some((before, since)) if before == seen => {
                let left = REST.saturating_sub(now.duration_since(*since));
                (!left.is_zero()).then_some(left)
            }
            Some(_) | None => {
                self.changed = Some((seen.clone(), now));
                Some(REST)
            }
        }
    }

    fn not_yet(&mut self, rest: Duration, now: Instant) -> Look {
        let waiting = self.restless.get_or_insert(Waiting::since(now));
        if waiting.is_news(RESTLESS, now) {
            tracing::warn!(
                "the manifests keep changing; they are read when nothing has touched them for {REST:?}"
            );
        }
        Look::NotYet(rest)
    }

    fn rested(&mut self, look: Look) -> Look {
        match self.restless.take() {
            // What the status file says of it must go.
            Some(Waiting { told: true, .. }) => Look::Changed,
            Some(_) | None => look,
        }
    }

    /// How long until it is worth while to ask again what Git does, if it is to be waited for.
    fn git_left(&mut self, now: Instant) -> Option<Duration> {
        let work = git::operation_in_progress(&self.folder);
        let waiting = match (work, self.git) {
            (None, _) => {
                self.git = None;
                return None;
            }
            (Some(work), Some((before, waiting))) if before == work => waiting,
            (Some(_), _) => Waiting::since(now),
        };
        let work = work?;
        let (_, waiting) = self.git.insert((work, waiting));
        let (bound, pause) = match work {
            git::GitOperation::IndexLock => (INDEX_LOCK, Duration::from_millis(50)),
            git::GitOperation::Unfinished(_) => (SEQUENCE, Duration::from_secs(1)),
        };
        if waiting.is_news(bound, now) {
            tracing::warn!(
                "Git {work} for more than {bound:?}; the manifests are read as they are"
            );
        }
        (!waiting.told).then_some(pause)
    }

    fn accept(&mut self, loaded: manifest::Loaded) -> Look {
        let recovered = !self.problems.is_empty();
        self.problems.clear();
        if self.warnings != loaded.warnings {
            for warning in &loaded.warnings {
                tracing::warn!("{warning}");
            }
            self.warnings = loaded.warnings;
        }
        let set = Set {
            revision: git::revision(&self.folder),
            digest: loaded.digest,
            desired: loaded.desired,
        };
        let (manifests, files) = (set.desired.len(), loaded.files);
        let revision = escaped(set.revision.as_deref().unwrap_or("none"), 200);
        let before = self.set.replace(set);
        let same = match (&before, &self.set) {
            (Some(before), Some(now)) => before.desired == now.desired,
            _ => false,
        };
        match (recovered, same) {
            (false, true) => return Look::Same,
            (true, _) => {
                tracing::info!(manifests, files, revision, "the manifests are valid again");
            }
            (false, false) if before.is_none() => {
                tracing::info!(manifests, files, revision, "manifests read");
            }
            (false, false) => tracing::info!(manifests, files, revision, "manifests changed"),
        }
        Look::Changed
    }

    fn refuse(&mut self, problems: Vec<Problem>) -> Look {
        if self.problems == problems {
            return Look::Same;
        }
        let count = problems.len();
        for problem in problems.iter().take(MAX_PROBLEMS) {
            tracing::warn!("{problem}");
        }
        let then = match &self.set {
            Some(_) => "the last valid set stays in force",
            None => "nothing is done until they are valid",
        };
        tracing::warn!(problems = count, "the manifests are invalid; {then}");
        self.problems = problems;
        Look::Changed
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
    fn manifests_that_change_while_they_are_read_never_come_into_force() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(format!("{name}.yaml"));
            write_whole(&path, manifest(name, text).as_bytes()).unwrap();
        };
        // Between the first file and the last one many are read: time enough to change both.
        for number in 0..200 {
            write(&format!("n{number}"), "same");
        }
        let mut checkout = Checkout::new(folder.path(), Options { allow_empty: true });
        let mut now = Instant::now();
        let mut look = |checkout: &mut Checkout| {
            now += REST;
            checkout.look(false, now);
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
            look(&mut checkout);
            // The files rest, so this look reads them, while another thread writes.
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    pause(Duration::from_micros(u64::from(number) * 900));
                    both(2 * number + 1);
                });
                if let Some([first, last]) = look(&mut checkout) {
                    assert_eq!(first, last);
                }
            });
        }
        // At rest, the last write comes into force.
        look(&mut checkout);
        assert_eq!(
            look(&mut checkout),
            Some(["write39", "write39"].map(Into::into))
        );
    }

    #[expect(clippy::disallowed_methods, reason = "another program, in real time")]
    fn pause(duration: Duration) {
        std::thread::sleep(duration);
    }

    #[test]
    fn what_lasts_is_news_once_from_its_bound_on() {
        let start = Instant::now();
        let mut waiting = Waiting::since(start);
        let news: Vec<u64> = (0..40)
            .filter(|second| waiting.is_news(RESTLESS, start + Duration::from_secs(*second)))
            .collect();
        assert_eq!(news, [10]);
        let mut late = Waiting::since(start);
        assert!(!late.is_news(RESTLESS, start + RESTLESS - Duration::from_nanos(1)));
        assert!(late.is_news(RESTLESS, start + 2 * RESTLESS));
    }

    #[test]
    fn manifests_are_valid_if_there_is_a_set_and_nothing_is_wrong_since() {
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
            checkout.look(true, now);
            now += REST;
            checkout.look(true, now);
            let found = (checkout.is_valid(), checkout.set().is_some());
            assert_eq!(found, (is_valid, has_set), "{text}");
        }
    }

    #[test]
    fn so_many_problems_stand_in_the_status_and_the_rest_is_counted() {
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
