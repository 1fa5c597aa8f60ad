//! Short plans for tests.

use super::answer::{Answer, Awaits, Ready, Wait};
use super::drift::Drift;
use super::planned::{Plan, PlannedImage};
use crate::cloud::{CreateImage, Receipt, Step};
use crate::model::image::{CreateWhen, Desired, DesiredImage, Place, Source};
use crate::model::reason::Reason;
use crate::model::subject::{Kind, Subject};
use crate::model::value::{Description, ImageId, ImageName, ManifestName, Tags};

/// Returns manifests with these names, for images with the same names.
pub(crate) fn desired(names: &[&str]) -> Desired {
    let images = names.iter().map(|name| DesiredImage {
        subject: Subject::new(Kind::UpdatedImage, ManifestName::parse(*name).unwrap()),
        image_name: ImageName::parse(*name).unwrap(),
        source: Source::ImageId(ImageId::parse("wsi-gold00000").unwrap()),
        description: Description::parse("d").unwrap(),
        tags: Tags::default(),
        create_when: CreateWhen::Always,
        suspend: false,
        place: Place {
            file: "a.yaml".into(),
            document: 1,
        },
        digest: "sha256:1".into(),
    });
    Desired::new(images.collect()).unwrap()
}

/// Returns a plan with these answers, in the order of the names.
pub(crate) fn plan(desired: &Desired, answers: impl IntoIterator<Item = Answer>) -> Plan<'_> {
    let mut answers = answers.into_iter();
    let images: Vec<_> = desired
        .iter()
        .zip(&mut answers)
        .map(|(desired, mut answer)| {
            if let Answer::Do(Step::CreateImage(create)) = &mut answer {
                create.name = desired.image_name.clone();
            }
            PlannedImage {
                desired,
                answer,
                source: None,
                drift: Drift::default(),
            }
        })
        .collect();
    assert_eq!(images.len(), desired.len());
    assert_eq!(answers.next(), None);
    Plan {
        images,
        questions: std::collections::BTreeSet::new(),
        listed: 0,
    }
}

/// Returns a create from this source. [`plan`] sets its image name.
pub(crate) fn create(source: &str) -> Answer {
    Answer::Do(Step::CreateImage(CreateImage {
        name: ImageName::parse("a").unwrap(),
        description: Description::parse("d").unwrap(),
        source_id: source.into(),
        tags: Tags::default(),
    }))
}

/// Returns the receipt of an accepted create.
pub(crate) fn receipt(id: &str) -> Receipt {
    Receipt {
        image_id: id.into(),
        request_id: None,
    }
}

pub(crate) fn ready() -> Answer {
    Answer::Ready(Ready {
        image_id: "wsi-1".into(),
    })
}

pub(crate) fn wait(reason: Reason, awaits: Awaits) -> Wait {
    Wait {
        reason,
        message: "a message".into(),
        awaits,
        since: None,
        until: None,
    }
}

pub(crate) fn building() -> Answer {
    Answer::Wait(wait(Reason::Building, Awaits::Build))
}

pub(crate) fn overdue() -> Answer {
    blocked(Reason::BuildOverdue)
}

pub(crate) fn blocked(reason: Reason) -> Answer {
    Answer::blocked(reason, "a message")
}

pub(crate) fn retry_at(until: jiff::Timestamp) -> Answer {
    Answer::Wait(Wait {
        until: Some(until),
        ..wait(Reason::RetryScheduled, Awaits::Time)
    })
}
