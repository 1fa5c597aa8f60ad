//! What must hold whatever comes in. The property tests beside this and the fuzz targets of `fuzz/` ask the same things.
//!
//! It calls the code that ships and makes up no rule of its own: each check is one of the design's, or of docs/.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use repave::cloud::{ApiError, CreateImage, Delivery, Failure, FailureKind, Operation, Step};
use repave::manifest::{FileResult, Problem, Span, parse};
use repave::model::defaults::SETTLE;
use repave::model::image::{
    CreateWhen, Desired, DesiredImage, ImageState, Observed, ObservedImage, OperatingSystem, Place,
    Source,
};
use repave::model::outcome::{ExitCode, Outcome};
use repave::model::reason::Reason;
use repave::model::subject::{Kind, Subject};
use repave::model::target::Target;
use repave::model::value::{Description, ImageId, ImageName, ManifestName, Tags};
use repave::plan::{Answer, Plan, plan};
use repave::show::{
    self, Document, DocumentKind, PlanBody, PlanText, View, diagnostic_text, plan_markdown,
    status_text,
};
use repave::state::status::{ConditionStatus, ConditionType, ManifestsStatus, Status};
use repave::state::store::StoreError;

/// Tells whether a character may do something to a terminal, a log or a reader's eyes: C0, DEL and C1 controls, line and
/// paragraph separators, marks that reorder text, and marks without a width.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// A text that a terminal or a log may get: no such character but the line breaks that repave sets itself.
pub fn is_harmless(text: &str) -> bool {
    !text.chars().any(|c| acts(c) && c != '\n')
}

/// The lines of a text as editors show them: they end in `\n`, `\r` or both.
fn lines(text: &str) -> Vec<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        lines.extend(line.split('\r'));
    }
    lines
}

/// A file's text is read with bounded words, every problem stands at a place in it, and what is valid can be printed and
/// read again.
pub fn manifest(text: &str) -> FileResult {
    let result = parse("dir/f.yaml", text);
    let told = result.problems.len() + result.warnings.len();
    assert!(told <= 202, "{told} problems");
    let lines = lines(text);
    for problem in result.problems.iter().chain(&result.warnings) {
        located(problem, &lines);
        drawn(problem);
    }
    for image in &result.images {
        assert_eq!(image.place.file, "dir/f.yaml");
        let printed = print(image);
        let again = parse("dir/f.yaml", &printed);
        assert!(again.problems.is_empty(), "{printed}: {:?}", again.problems);
        let [read] = again.images.as_slice() else {
            panic!("{printed} gives {:?}", again.images)
        };
        assert!(same(image, read), "{image:?} printed and read is {read:?}");
    }
    result
}

/// The same but for where it stands.
pub fn same(a: &DesiredImage, b: &DesiredImage) -> bool {
    let place = a.place.clone();
    *a == DesiredImage { place, ..b.clone() }
}

fn located(problem: &Problem, lines: &[&str]) {
    assert_eq!(problem.file, "dir/f.yaml");
    let shown = problem.to_string();
    assert!(
        !shown.contains('\n') && is_harmless(&shown),
        "{shown:?} is no line for a terminal"
    );
    assert!(shown.len() < 2000, "{} bytes: {shown}", shown.len());
    match problem.span {
        Some(Span { line, column, .. }) => {
            assert!(line >= 1 && line <= lines.len() + 1, "{shown}");
            let length = lines.get(line - 1).map_or(0, |line| line.chars().count());
            assert!(column >= 1 && column <= length + 1, "{shown}: {length}");
        }
        None => assert!(problem.found.starts_with("at least "), "no place: {shown}"),
    }
}

/// It can be drawn on a terminal of any width; what is meant in its line is as long as it says.
fn drawn(problem: &Problem) {
    for columns in [None, Some(0), Some(1), Some(30)] {
        let text = diagnostic_text(problem, columns);
        let text = anstream::adapter::strip_str(&text).to_string();
        assert!(is_harmless(&text), "{text:?}");
        assert!(text.len() < 20_000, "{} bytes: {text}", text.len());
        let is_marked = text.lines().any(|line| line.trim_end().ends_with('^'));
        assert_eq!(is_marked, problem.excerpt.is_some(), "{text}");
    }
    if let (Some(span), Some(excerpt)) = (problem.span, &problem.excerpt) {
        let meant = excerpt.text[excerpt.meant.clone()].chars().count();
        assert_eq!(span.end_column - span.column, meant, "{problem}");
    }
}

/// A manifest's YAML, each text in double quotes with everything but plain ASCII as escapes.
pub fn print(image: &DesiredImage) -> String {
    let (kind, source) = match &image.source {
        Source::ImageId(id) => ("imageId", id.as_str()),
        Source::ImageName(name) => ("imageName", name.as_str()),
    };
    let tags = image.tags.iter().map(|(key, value)| {
        let (key, value) = (quoted(key.as_str()), quoted(value.as_str()));
        format!("    ? {key}\n    : {value}\n")
    });
    let tags: String = tags.collect();
    let tags = match tags.as_str() {
        "" => "  tags: {}\n".into(),
        tags => format!("  tags:\n{tags}"),
    };
    let when = match image.create_when {
        CreateWhen::Always => "Always",
        CreateWhen::UpdateAvailable => "UpdateAvailable",
    };
    format!(
        "apiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: {{ name: {} }}\nspec:\n  imageName: {}\n  \
         source: {{ {kind}: {} }}\n  description: {}\n{tags}  createWhen: {when}\n  suspend: {}\n",
        quoted(image.subject.name.as_str()),
        quoted(image.image_name.as_str()),
        quoted(source),
        quoted(image.description.as_str()),
        image.suspend,
    )
}

/// A text in YAML's double quotes.
pub fn quoted(text: &str) -> String {
    let characters = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        ' '..='~' => c.to_string(),
        _ => format!("\\U{:08x}", u32::from(c)),
    });
    format!("\"{}\"", characters.collect::<String>())
}

/// The time of all checks.
pub fn noon() -> Timestamp {
    Timestamp::from_second(1_795_348_800).unwrap()
}

/// The target of all checks.
pub fn target() -> Target {
    Target {
        region: "eu-west-1".into(),
        account_id: None,
        simulated: false,
        credentials: None,
    }
}

/// The step that creates the image of this name.
fn create(name: &str) -> Step {
    Step::CreateImage(CreateImage {
        name: ImageName::parse(name).unwrap(),
        description: Description::parse("d").unwrap(),
        source_id: GOLD.into(),
        tags: Tags::default(),
    })
}

/// A source that updates can be made from.
pub const GOLD: &str = "wsi-gold00000";

fn wanted(name: &ImageName) -> DesiredImage {
    DesiredImage {
        subject: Subject::new(Kind::UpdatedImage, ManifestName::parse("a").unwrap()),
        image_name: name.clone(),
        source: Source::ImageId(ImageId::parse(GOLD).unwrap()),
        description: Description::parse("d").unwrap(),
        tags: Tags::default(),
        create_when: CreateWhen::Always,
        suspend: false,
        place: Place {
            file: "a.yaml".into(),
            document: 1,
        },
        digest: "sha256:1".into(),
    }
}

fn gold() -> ObservedImage {
    ObservedImage {
        description: None,
        id: GOLD.into(),
        name: Some("gold of the checks".into()),
        state: ImageState::Available,
        operating_system: OperatingSystem::Windows,
        update_available: Some(true),
        update: None,
        created: None,
        errors: Vec::new(),
        owner: None,
    }
}

/// Whatever stands in the status file: it is used or set aside, what is used can be shown and saved, and no memory keeps
/// an image from being created for ever or makes it Ready unseen.
pub fn status(path: &Path) {
    let read = repave::state::file::read(path, &target());
    let Ok(read) = read else {
        // What stops a run: a rehearsal's status in the place of a real one, or a document of another version.
        let error = read.unwrap_err();
        let stops = matches!(
            error,
            StoreError::SimulatedMismatch { .. } | StoreError::Document { .. }
        );
        assert!(is_harmless(&error.to_string()), "{error:?}");
        return assert!(stops, "{error}");
    };
    if let Some(why) = &read.unusable {
        assert_eq!(read.status, Status::new(target()), "{why}");
        return;
    }
    let memory = read.status;
    shown_safely(&memory);
    let bytes = repave::sys::escape::to_json(&memory).unwrap();
    assert_eq!(serde_json::from_slice::<Status>(&bytes).unwrap(), memory);

    let first = memory.images.first().map(|image| image.image_name.clone());
    let name = first.unwrap_or_else(|| ImageName::parse("a").unwrap());
    let desired = Desired::new(vec![wanted(&name)]).unwrap();
    let listing = Observed::new(vec![gold()]);
    let mut memory = memory;
    let mut answers = Vec::new();
    // A first look; the settle window; the longest time between two tries and what a clock may be set back.
    for minutes in [0, 11, 11 + 66, 11 + 2 * 66] {
        let now = noon() + SignedDuration::from_mins(minutes);
        memory.observe(&desired, &listing, now);
        let answer = {
            let plan = plan(&desired, &listing, &memory.clone(), SETTLE, now);
            planned_safely(&plan, &listing, now);
            let answer = plan.images[0].answer.clone();
            plan.write_conditions(&mut memory, now);
            answer
        };
        shown_safely(&memory);
        answers.push(answer);
        let entry = memory.image(&name).unwrap();
        let ready = entry.condition(ConditionType::Ready).unwrap();
        assert_ne!(
            ready.status,
            ConditionStatus::True,
            "Ready, and nobody saw it"
        );
    }
    assert!(
        answers.iter().any(|answer| matches!(answer, Answer::Do(_))),
        "never created: {answers:?}"
    );
}

/// A plan's forms hold no character that acts, and it creates nothing that the listing has.
pub fn planned_safely(plan: &Plan<'_>, listing: &Observed, now: Timestamp) {
    let status = Status::new(target());
    let rows = show::plan_rows(plan, &status);
    let text = PlanText::default().of(&rows, 1, now);
    // Colours are repave's own; main.rs takes them out where they are not wanted.
    let bare = anstream::adapter::strip_str(&text).to_string();
    assert!(is_harmless(&bare), "{bare:?}");
    // A line for each image that is not ready, the legend, the totals, and the quota.
    assert!(bare.lines().count() <= plan.images.len() + 3, "{bare}");
    let target = target();
    let manifests = ManifestsStatus {
        revision: Some("| <b>@x`\u{1b}[2J".into()),
        ..ManifestsStatus::default()
    };
    let outcome = Outcome::new(ExitCode::Done, "");
    let json = repave::sys::escape::to_json(&Document::new(
        DocumentKind::Plan,
        &outcome,
        PlanBody::new(&target, &outcome, &rows),
    ));
    let json = String::from_utf8(json.unwrap()).unwrap();
    assert!(is_harmless(&json), "{json:?}");
    let markdown = plan_markdown("t", (&target, &manifests), &outcome, &rows, None, now);
    assert!(
        is_harmless(&markdown) && markdown.len() <= 65_536,
        "{markdown:?}"
    );
    // Outside code there are repave's own words only: no tag but those of the folds, and nothing between bars unless coded.
    let prose: String = markdown.split('`').step_by(2).collect();
    let tags = prose.matches('<').count();
    let own =
        ["<details", "</details>", "<summary>", "</summary>"].map(|tag| prose.matches(tag).count());
    assert!(
        markdown.contains("``") || tags == own.iter().sum::<usize>(),
        "{markdown}"
    );
    let _: serde_json::Value = serde_json::from_str(&json).unwrap();
    for image in &plan.images {
        if let Some(step) = image.step() {
            let source_id = step.from();
            let name = image.desired.image_name.as_str();
            assert!(!listing.by_name().contains_key(name), "{name} is listed");
            assert!(!source_id.is_empty());
        }
    }
}

fn shown_safely(status: &Status) {
    let text = status_text(status, noon(), View::default());
    let text = anstream::adapter::strip_str(&text).to_string();
    assert!(is_harmless(&text), "{text:?}");
    let json = String::from_utf8(repave::sys::escape::to_json(status).unwrap()).unwrap();
    assert!(is_harmless(&json), "{json:?}");
}

/// What the service's own texts are kept to: 1000 characters each, and an ellipsis.
const TEXT: usize = 1001;

/// How many images with an id of their own a listing's JSON has, if it is a plain one.
fn count(body: &[u8]) -> Option<usize> {
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    let images = json.get("Images")?.as_array()?;
    let ids = images
        .iter()
        .map(|image| image.get("ImageId")?.as_str().filter(|id| !id.is_empty()));
    let ids: std::collections::BTreeSet<&str> = ids.collect::<Option<_>>()?;
    (ids.len() == images.len()).then_some(ids.len())
}

/// An answer to a listing of one page: whole, or an error that says when to try again.
pub fn listed(result: &Result<Observed, ApiError>, body: &[u8]) {
    let observed = match result {
        Ok(observed) => observed,
        Err(error) => return failed(error),
    };
    if let Some(count) = count(body) {
        assert_eq!(observed.len(), count, "{}", String::from_utf8_lossy(body));
    }
    let mut names: Vec<ImageName> = Vec::new();
    for image in observed {
        for (code, message) in &image.errors {
            assert!(code.chars().count() <= TEXT && message.chars().count() <= TEXT);
        }
        let name = image
            .name
            .as_ref()
            .and_then(|name| ImageName::parse(name.as_str()).ok());
        names.extend(
            name.filter(|name| !names.contains(name))
                .filter(|_| names.len() < 3),
        );
    }
    names.push(ImageName::parse("z-not-listed").unwrap());
    let wanted = names.iter().enumerate().map(|(n, name)| DesiredImage {
        subject: Subject::new(
            Kind::UpdatedImage,
            ManifestName::parse(format!("n{n}")).unwrap(),
        ),
        // A source that is in the listing, whatever it is.
        source: observed
            .iter()
            .find_map(|image| ImageId::parse(image.id.as_str()).ok())
            .map_or_else(|| wanted(name).source, Source::ImageId),
        ..wanted(name)
    });
    let Ok(desired) = Desired::new(wanted.collect()) else {
        return;
    };
    let mut memory = Status::new(target());
    memory.observe(&desired, observed, noon());
    let before = memory.clone();
    let plan = plan(&desired, observed, &before, SETTLE, noon());
    planned_safely(&plan, observed, noon());
    plan.write_conditions(&mut memory, noon());
    shown_safely(&memory);
    for image in &memory.images {
        let ready = image.condition(ConditionType::Ready).unwrap();
        if ready.status == ConditionStatus::True {
            let available = observed
                .iter()
                .filter(|seen| seen.name.as_deref() == Some(image.image_name.as_str()))
                .all(|seen| seen.state == ImageState::Available);
            assert!(available, "{image:?}");
        }
    }
}

/// A failed call: its kind fits its reason, and its words are bounded.
pub fn failed(error: &ApiError) {
    use {FailureKind as Kind, Reason as R};
    let fits = match error.kind {
        Kind::Transient => matches!(error.reason, R::Throttled | R::ServiceUnavailable),
        Kind::SourceBusy => error.reason == R::SourceImageNotAvailable,
        Kind::OutcomeUnknown => error.reason == R::CreateResultUnknown,
        Kind::Blocked => matches!(
            error.reason,
            R::AccessDenied | R::WrongAccount | R::QuotaExceeded | R::SourceImageNotFound
        ),
        Kind::Rejected => matches!(error.reason, R::InvalidSpec | R::UpdateNotSupported),
    };
    assert!(fits, "{error:?}");
    if error.operation == Operation::DescribeWorkspaceImages {
        let kind = matches!(error.kind, Kind::Transient | Kind::Blocked);
        assert!(kind, "a listing is {:?}", error.kind);
    }
    // Code, message, the service's reason, and repave's advice.
    let most = 3 * TEXT + 500;
    assert!(
        error.message.chars().count() <= most,
        "{} bytes",
        error.message.len()
    );
    for text in [&error.code, &error.request_id].into_iter().flatten() {
        assert!(text.chars().count() <= TEXT, "{} bytes", text.len());
    }
}

/// What a failed call means, by how far it got.
pub fn classified(operation: Operation, failure: Failure) {
    use FailureKind as Kind;
    let (delivery, code) = (failure.delivery, failure.code.clone());
    let error = ApiError::new(operation, failure);
    failed(&error);
    let is_throttled = error.reason == Reason::Throttled;
    let is_denied = error.reason == Reason::AccessDenied;
    if operation == Operation::CreateUpdatedWorkspaceImage {
        match delivery {
            // It may have had effect: only an answer can say that it had none.
            Delivery::Unanswered => assert_eq!(error.kind, Kind::OutcomeUnknown, "{error:?}"),
            Delivery::NotSent => assert!(
                matches!(error.kind, Kind::Transient) || is_denied,
                "{error:?}"
            ),
            // The service failed: it says nothing of the effect, but for throttling and access.
            Delivery::Answered(500..) => assert!(
                error.kind == Kind::OutcomeUnknown || is_throttled || is_denied,
                "{error:?}"
            ),
            // Any other refusal needs a code that repave knows; so does a 429 without one.
            Delivery::Answered(status) => assert!(
                error.kind == Kind::OutcomeUnknown
                    || (status == 429 && is_throttled)
                    || code
                        .as_deref()
                        .is_some_and(|code| repave::cloud::known_code(code).is_some()),
                "{error:?}"
            ),
        }
    }
    recorded(&error);
}

/// A marked create whose result is unknown stays marked, whatever was said; one that was refused does not.
fn recorded(error: &ApiError) {
    if error.operation == Operation::DescribeWorkspaceImages {
        return;
    }
    let name = ImageName::parse("a").unwrap();
    let desired = Desired::new(vec![wanted(&name)]).unwrap();
    let listing = Observed::new(vec![gold()]);
    let mut memory = Status::new(target());
    memory.observe(&desired, &listing, noon());
    memory.mark(&create(name.as_str()), noon());
    memory.record(&create(name.as_str()), &Err(error.clone()), noon());
    let marked = memory.image(&name).unwrap().create_requested_at.is_some();
    assert_eq!(
        marked,
        error.kind == FailureKind::OutcomeUnknown,
        "{error:?}"
    );
    memory.observe(&desired, &listing, noon());
    let plan = plan(&desired, &listing, &memory, SETTLE, noon());
    planned_safely(&plan, &listing, noon());
    let is_create = matches!(plan.images[0].answer, Answer::Do(_));
    assert!(!is_create, "created again at once: {error:?}");
}
