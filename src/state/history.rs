//! What was done: the newest steps, each with its end. Timelines, budgets and durations come from it. It decides nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cloud::{ApiError, Receipt, Step, Verb};
use crate::model::reason::Reason;
use crate::model::subject::Subject;

/// The most entries that are kept: the newest. Refusals that repeat themselves take one place.
const MOST: usize = 200;

/// The newest steps, the oldest of them first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History(Vec<Entry>);

/// A step that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When it was marked.
    pub at: Timestamp,
    pub subject: Subject,
    pub step: Verb,
    /// What it worked from.
    pub from: String,
    /// The name of what it makes.
    pub to: String,
    /// How it ended; null while that is not known, and for ever if nobody learned it.
    pub result: Option<StepResult>,
    pub request_id: Option<String>,
    /// The manifests' revision at the time.
    pub revision: Option<String>,
    /// The id of the run that sent it.
    pub run: Option<String>,
}

/// How a step ended: accepted, with the new image's id, or refused, with the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepResult {
    pub image_id: Option<String>,
    pub reason: Option<Reason>,
    /// The service's code, if it gave one.
    pub code: Option<String>,
}

impl History {
    /// Returns the entries, the oldest first.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.0.iter()
    }

    /// Tells whether nothing was done.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a step that is about to be sent.
    pub(super) fn marked(
        &mut self,
        subject: Subject,
        step: &Step,
        at: Timestamp,
        (revision, run): (Option<String>, Option<String>),
    ) {
        self.0.push(Entry {
            at,
            subject,
            step: step.verb(),
            from: step.from().to_owned(),
            to: step.to().to_owned(),
            result: None,
            request_id: None,
            revision,
            run,
        });
        let over = self.0.len().saturating_sub(MOST);
        self.0.drain(..over);
    }

    /// Notes how the newest such step ended. A refusal takes the place of the one before it that was the same.
    pub(super) fn recorded(&mut self, step: &Step, result: &Result<Receipt, ApiError>) {
        let is_it = |entry: &Entry| entry.step == step.verb() && entry.to == step.to();
        let Some(at) = self.0.iter().rposition(is_it) else {
            return;
        };
        if let Some(entry) = self.0.get_mut(at) {
            entry.end(result);
        }
        let before = self.0.iter().take(at).rposition(is_it);
        let result = |at: usize| self.0.get(at).and_then(|entry| entry.result.as_ref());
        if let Some(before) = before
            && result(before).is_some_and(StepResult::is_refusal)
            && result(before) == result(at)
        {
            self.0.remove(before);
        }
    }
}

impl StepResult {
    /// Tells whether the step certainly had no effect.
    fn is_refusal(&self) -> bool {
        self.reason
            .is_some_and(|reason| reason != Reason::CreateResultUnknown)
    }
}

impl Entry {
    fn end(&mut self, result: &Result<Receipt, ApiError>) {
        (self.result, self.request_id) = match result {
            Ok(receipt) => (
                Some(StepResult {
                    image_id: Some(receipt.image_id.clone()),
                    ..StepResult::default()
                }),
                receipt.request_id.clone(),
            ),
            Err(error) => (
                Some(StepResult {
                    reason: Some(error.reason),
                    code: error.code.clone(),
                    ..StepResult::default()
                }),
                error.request_id.clone(),
            ),
        };
    }
}

impl<'a> IntoIterator for &'a History {
    type Item = &'a Entry;
    type IntoIter = std::slice::Iter<'a, Entry>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::CreateImage;
    use crate::model::subject::Kind;
    use crate::model::value::{Description, ImageName, ManifestName, Tags};

    fn create(name: &str) -> Step {
        Step::CreateImage(CreateImage {
            name: ImageName::parse(name).unwrap(),
            description: Description::parse("d").unwrap(),
            source_id: "wsi-gold00000".into(),
            tags: Tags::default(),
        })
    }

    fn mark(history: &mut History, name: &str, second: i64) {
        let subject = Subject::new(
            Kind::UpdatedImage,
            ManifestName::parse(name.to_lowercase()).unwrap(),
        );
        let at = Timestamp::from_second(second).unwrap();
        history.marked(subject, &create(name), at, (None, None));
    }

    #[test]
    fn so_many_entries_are_kept_and_the_oldest_go() {
        for (count, first) in [(MOST - 1, 0), (MOST, 0), (MOST + 1, 1), (MOST + 7, 7)] {
            let mut history = History::default();
            for second in 0..count {
                mark(&mut history, "A", i64::try_from(second).unwrap());
            }
            let oldest = history.iter().next().unwrap().at.as_second();
            assert_eq!((history.0.len(), oldest), (count.min(MOST), first));
        }
    }

    #[test]
    fn an_end_is_noted_at_the_newest_step_of_its_image_alone() {
        let mut history = History::default();
        for (second, name) in [(0, "A"), (1, "A"), (2, "B")] {
            mark(&mut history, name, second);
        }
        let receipt = Receipt {
            image_id: "wsi-1".into(),
            request_id: Some("r-1".into()),
        };
        history.recorded(&create("A"), &Ok(receipt));
        let code = Some("ResourceLimitExceededException");
        let error = ApiError {
            request_id: Some("r-2".into()),
            ..ApiError::answered(create("B").operation(), code)
        };
        history.recorded(&create("B"), &Err(error));
        let ends: Vec<_> = history
            .iter()
            .map(|entry| (entry.result.clone(), entry.request_id.as_deref()))
            .collect();
        let accepted = StepResult {
            image_id: Some("wsi-1".into()),
            ..StepResult::default()
        };
        let failed = StepResult {
            reason: Some(Reason::QuotaExceeded),
            code: Some("ResourceLimitExceededException".into()),
            ..StepResult::default()
        };
        assert_eq!(
            ends,
            [
                (None, None),
                (Some(accepted), Some("r-1")),
                (Some(failed), Some("r-2"))
            ]
        );
    }

    #[test]
    fn the_same_refusal_again_takes_one_place_and_nothing_else_gives_up_its_own() {
        let error = |code: Option<&str>| ApiError::answered(create("A").operation(), code);
        let (quota, denied, lost) = (
            Some("ResourceLimitExceededException"),
            Some("AccessDeniedException"),
            None,
        );
        for (codes, kept) in [
            (vec![quota, quota, quota], vec![2]),
            (vec![quota, denied, denied, quota], vec![0, 2, 3]),
            // Each of these may have made an image.
            (vec![lost, lost, quota, quota, lost], vec![0, 1, 3, 4]),
        ] {
            let mut history = History::default();
            for (second, code) in (0..).zip(&codes) {
                mark(&mut history, "B", second);
                mark(&mut history, "A", second);
                history.recorded(&create("A"), &Err(error(*code)));
            }
            let of_a = history.iter().filter(|entry| entry.to == "A");
            let seconds: Vec<i64> = of_a.map(|entry| entry.at.as_second()).collect();
            assert_eq!(seconds, kept, "{codes:?}");
            assert_eq!(history.0.len(), codes.len() + kept.len());
        }
    }
}
