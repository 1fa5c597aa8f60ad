//! The history: the newest steps, each with its result.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cloud::{ApiError, Receipt, Step, Verb};
use crate::model::reason::Reason;
use crate::model::subject::Subject;

/// The most entries that are kept. Repeated refusals are one entry.
const MAX_ENTRIES: usize = 200;

/// The newest steps, oldest first.
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
    /// The source image's id.
    pub from: String,
    /// The new image's name.
    pub to: String,
    /// The result; null while it is unknown.
    pub result: Option<StepResult>,
    pub request_id: Option<String>,
    /// The manifests' revision at the time.
    pub revision: Option<String>,
    /// The id of the run that sent it.
    pub run: Option<String>,
}

/// The result of a step: accepted, with the new image's id, or failed, with the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepResult {
    pub image_id: Option<String>,
    pub reason: Option<Reason>,
    /// The service's code, if it gave one.
    pub code: Option<String>,
}

impl History {
    /// Returns the entries, oldest first.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.0.iter()
    }

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
        let over = self.0.len().saturating_sub(MAX_ENTRIES);
        self.0.drain(..over);
    }

    /// Records the result of the newest entry of this step. A refusal replaces the previous entry if both results are the same.
    pub(super) fn recorded(&mut self, step: &Step, result: &Result<Receipt, ApiError>) {
        let is_same_step = |entry: &Entry| entry.step == step.verb() && entry.to == step.to();
        let Some(at) = self.0.iter().rposition(is_same_step) else {
            return;
        };
        if let Some(entry) = self.0.get_mut(at) {
            entry.record(result);
        }
        let before = self.0.iter().take(at).rposition(is_same_step);
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
    /// Returns whether the step certainly had no effect.
    fn is_refusal(&self) -> bool {
        self.reason
            .is_some_and(|reason| reason != Reason::CreateResultUnknown)
    }
}

impl Entry {
    fn record(&mut self, result: &Result<Receipt, ApiError>) {
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
    fn a_limited_number_of_entries_is_kept_and_the_oldest_are_dropped() {
        for (count, first) in [
            (MAX_ENTRIES - 1, 0),
            (MAX_ENTRIES, 0),
            (MAX_ENTRIES + 1, 1),
            (MAX_ENTRIES + 7, 7),
        ] {
            let mut history = History::default();
            for second in 0..count {
                mark(&mut history, "A", i64::try_from(second).unwrap());
            }
            let oldest = history.iter().next().unwrap().at.as_second();
            assert_eq!((history.0.len(), oldest), (count.min(MAX_ENTRIES), first));
        }
    }

    #[test]
    fn a_result_is_recorded_only_for_the_newest_step_of_its_image() {
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
    fn only_repeated_refusals_are_merged() {
        let error = |code: Option<&str>| ApiError::answered(create("A").operation(), code);
        let (quota, denied, lost) = (
            Some("ResourceLimitExceededException"),
            Some("AccessDeniedException"),
            None,
        );
        for (codes, kept) in [
            (vec![quota, quota, quota], vec![2]),
            (vec![quota, denied, denied, quota], vec![0, 2, 3]),
            // Each of these creates may have made an image.
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
