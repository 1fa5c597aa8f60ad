//! The error table on what the real SDK makes of each answer on the wire, counting requests; and the listing.

use repave::cloud::{Ask, Cloud, CreateImage, FailureKind, Step};
use repave::model::image::{ImageState, OperatingSystem, Question};
use repave::model::reason::Reason;
use repave::model::value::{Description, ImageId, ImageName, TagKey, TagValue, Tags};
use tokio::net::TcpListener;

use crate::wire::{Server, Wire, error, page};

fn request() -> Step {
    let tag = (
        TagKey::parse("team").unwrap(),
        TagValue::parse("finance").unwrap(),
    );
    Step::CreateImage(CreateImage {
        name: ImageName::parse("Finance_2026-11").unwrap(),
        description: Description::parse("Finance desktop").unwrap(),
        source_id: "wsi-0123456789ab".into(),
        tags: Tags::new([tag].into()).unwrap(),
    })
}

/// A create is sent exactly once, whatever comes back, and means this.
async fn create(answer: Wire, kind: FailureKind, reason: Reason, says: &str) {
    let server = Server::start(vec![answer]).await;
    let error = server.api().perform(&request()).await.unwrap_err();
    assert_eq!((error.kind, error.reason), (kind, reason), "{error}");
    assert!(
        error.message.contains(says),
        "{says:?} is not in {:?}",
        error.message
    );
    assert_eq!(
        server.operations(),
        ["createupdatedworkspaceimage"],
        "{error}"
    );
}

/// A listing is sent this often, and means this.
async fn list(answers: Vec<Wire>, requests: usize, kind: FailureKind, reason: Reason, says: &str) {
    let server = Server::start(answers).await;
    let error = server.api().observe(&Ask::Images).await.unwrap_err();
    assert_eq!((error.kind, error.reason), (kind, reason), "{error}");
    assert!(
        error.message.contains(says),
        "{says:?} is not in {:?}",
        error.message
    );
    assert_eq!(server.operations().len(), requests, "{error}");
}

macro_rules! create_rows {
    ($($name:ident: $answer:expr => $kind:ident $reason:ident $says:expr;)*) => {
        mod create_row {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                create($answer, FailureKind::$kind, Reason::$reason, $says).await;
            })*
        }
    };
}

create_rows! {
    throttling: error(400, "ThrottlingException") => Transient Throttled "ThrottlingException: no";
    throttling_by_another_name: error(400, "TooManyRequestsException") => Transient Throttled "no";
    throttling_by_status: Wire::Body(429, String::new()) => Transient Throttled "HTTP 429";
    internal_failure: error(500, "InternalFailure") => OutcomeUnknown CreateResultUnknown "before it tries again";
    unavailable: error(503, "ServiceUnavailable") => OutcomeUnknown CreateResultUnknown "ServiceUnavailable";
    html_500: Wire::Body(500, "<html>oops</html>".into()) => OutcomeUnknown CreateResultUnknown "";
    empty_500: Wire::Body(500, String::new()) => OutcomeUnknown CreateResultUnknown "";
    access_code_in_a_5xx: error(500, "ExpiredTokenException") => OutcomeUnknown CreateResultUnknown "";
    own_code_of_the_services: error(400, "NoCredentials") => OutcomeUnknown CreateResultUnknown "";
    modelled_code_in_a_5xx: error(500, "ResourceLimitExceededException") => OutcomeUnknown CreateResultUnknown "";
    cut: Wire::Cut => OutcomeUnknown CreateResultUnknown "";
    cut_within_the_answer: Wire::CutBody => OutcomeUnknown CreateResultUnknown "";
    unreadable: Wire::Body(200, "no json".into()) => OutcomeUnknown CreateResultUnknown "";
    empty: Wire::Body(200, String::new()) => OutcomeUnknown CreateResultUnknown "the response is empty";
    without_an_id: Wire::Body(200, "{}".into()) => OutcomeUnknown CreateResultUnknown "no image id";
    already_exists: error(400, "ResourceAlreadyExistsException") => OutcomeUnknown CreateResultUnknown "";
    source_busy: error(400, "InvalidResourceStateException") => SourceBusy SourceImageNotAvailable "";
    quota: error(400, "ResourceLimitExceededException") => Blocked QuotaExceeded "Service Quotas";
    no_source: error(400, "ResourceNotFoundException") => Blocked SourceImageNotFound "copy it into this account";
    access_denied: error(400, "AccessDeniedException") => Blocked AccessDenied "workspaces:CreateUpdatedWorkspaceImage";
    access_denied_names_tags: error(400, "AccessDeniedException") => Blocked AccessDenied "workspaces:CreateTags with Resource \"*\"";
    expired: error(400, "ExpiredTokenException") => Transient ServiceUnavailable "reloads them: ExpiredTokenException";
    unrecognised: error(403, "UnrecognizedClientException") => Transient ServiceUnavailable "(credentials from the simulator)";
    invalid_parameters: error(400, "InvalidParameterValuesException") => Rejected InvalidSpec "";
    validation: error(400, "ValidationException") => Rejected InvalidSpec "";
    not_supported: Wire::Body(400,
        r#"{"__type":"OperationNotSupportedException","message":"no","reason":"Linux image"}"#.into())
        => Rejected UpdateNotSupported "reason: Linux image";
    unmodelled: error(400, "SomethingNewException") => OutcomeUnknown CreateResultUnknown "SomethingNewException";
    unmodelled_without_a_code: Wire::Body(404, "<html/>".into()) => OutcomeUnknown CreateResultUnknown "";
    code_with_namespace: error(400, "com.amazon.workspaces#ResourceLimitExceededException") => Blocked QuotaExceeded "";
    code_with_address: error(400, "ResourceLimitExceededException:http://internal.amazon.com/x") => Blocked QuotaExceeded "";
    code_in_the_header: Wire::HeaderCode(400, "ResourceLimitExceededException") => Blocked QuotaExceeded "";
}

macro_rules! list_rows {
    ($($name:ident: $answers:expr, $requests:expr => $kind:ident $reason:ident $says:expr;)*) => {
        mod list_row {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                list($answers, $requests, FailureKind::$kind, Reason::$reason, $says).await;
            })*
        }
    };
}

list_rows! {
    throttled_after_three_tries: vec![error(400, "ThrottlingException"); 3], 3 => Transient Throttled "";
    failing_after_three_tries: vec![error(500, "InternalFailure"); 3], 3 => Transient ServiceUnavailable "";
    unreadable: vec![Wire::Body(200, "no json".into()); 3], 1 => Transient ServiceUnavailable "";
    empty: vec![Wire::Body(200, String::new()); 3], 1 => Transient ServiceUnavailable "the response is empty";
    too_large: vec![Wire::Body(200, " ".repeat(9 << 20)); 3], 3 => Transient ServiceUnavailable "unreadable response";
    access_denied: vec![error(400, "AccessDeniedException")], 1
        => Blocked AccessDenied "workspaces:DescribeWorkspaceImages with Resource \"*\"";
    expired: vec![error(400, "ExpiredTokenException")], 1 => Blocked AccessDenied "expired";
    unmodelled: vec![error(400, "SomethingNewException")], 1 => Transient ServiceUnavailable "SomethingNewException";
    repeated_token: vec![page(&[], Some("t")), page(&[], Some("t"))], 2
        => Transient ServiceUnavailable "returned a page token twice";
}

#[tokio::test]
async fn a_question_lists_shared_images_by_id() {
    let server = Server::start(vec![page(&["wsi-theirs0001 theirs AVAILABLE"], None)]).await;
    let question = |id: &str| Question::IsShared(ImageId::parse(id).unwrap());
    let questions = [question("wsi-theirs0001"), question("wsi-nowhere001")];
    let ask = Ask::Questions(questions.clone().into());
    let observed = server.api().observe(&ask).await.unwrap();
    let found = questions.map(|question| observed.answer(&question).map(<[_]>::len));
    assert_eq!(found, [Some(1), Some(0)]);
    assert_eq!(observed.len(), 0, "none of them is the account's own");
    let expected = serde_json::json!({"ImageIds": ["wsi-nowhere001", "wsi-theirs0001"], "ImageType": "SHARED"});
    assert_eq!(server.bodies(), [expected]);
}

#[tokio::test]
async fn a_failed_connection_sends_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let api = repave::cloud::aws::AwsCloud::embedded(&url, "eu-west-1", 1000.0);
    let error = api.perform(&request()).await.unwrap_err();
    assert_eq!(
        (error.kind, error.reason),
        (FailureKind::Transient, Reason::ServiceUnavailable),
        "{error}"
    );
    let error = api.observe(&Ask::Images).await.unwrap_err();
    assert_eq!(
        (error.kind, error.reason),
        (FailureKind::Transient, Reason::ServiceUnavailable),
        "{error}"
    );
}

#[tokio::test]
async fn a_create_sends_the_values_of_the_manifest() {
    let server = Server::start(vec![Wire::Body(
        200,
        r#"{"ImageId":"wsi-new000000"}"#.into(),
    )])
    .await;
    let id = server.api().perform(&request()).await.unwrap().image_id;
    assert_eq!(id, "wsi-new000000");
    let body = serde_json::json!({
        "Name": "Finance_2026-11", "Description": "Finance desktop", "SourceImageId": "wsi-0123456789ab",
        "Tags": [{"Key": "team", "Value": "finance"}],
    });
    assert_eq!(server.bodies(), [body]);
}

#[tokio::test]
async fn a_listing_has_all_pages_of_owned_images() {
    let server = Server::start(vec![
        page(&["wsi-1 one AVAILABLE"], Some("t1")),
        page(&[], Some("t2")),
        page(&["wsi-2 two PENDING", "wsi-3 three COPYING"], None),
    ])
    .await;
    let observed = server.api().observe(&Ask::Images).await.unwrap();
    let states: Vec<_> = observed.iter().map(|image| image.state.clone()).collect();
    assert_eq!(
        states,
        [
            ImageState::Available,
            ImageState::Pending,
            ImageState::Unknown("COPYING".into())
        ]
    );
    let tokens: Vec<_> = server
        .bodies()
        .iter()
        .map(|body| body["NextToken"].clone())
        .collect();
    assert_eq!(tokens, [serde_json::Value::Null, "t1".into(), "t2".into()]);
    for body in server.bodies() {
        assert_eq!(
            (&body["ImageType"], &body["MaxResults"]),
            (&"OWNED".into(), &25.into())
        );
    }
}

#[tokio::test]
async fn every_field_of_a_listed_image_is_optional() {
    let full = r#"{"Images":[{},{"ImageId":"wsi-1","Created":1.75,"ErrorCode":"E","ErrorMessage":"m",
        "ErrorDetails":[{"ErrorCode":"DiskFreeSpace","ErrorMessage":"full"},{}],
        "Updates":{"UpdateAvailable":true},"OperatingSystem":{"Type":"AMIGA"},"State":"ERROR"}]}"#;
    let server = Server::start(vec![Wire::Body(200, full.into())]).await;
    let observed = server.api().observe(&Ask::Images).await.unwrap();
    let images: Vec<_> = observed.iter().collect();
    assert_eq!(images[0].state, ImageState::Unknown(String::new()));
    assert_eq!(images[0].name, None);
    assert_eq!(images[1].created.unwrap().as_nanosecond(), 1_000_000_000);
    assert_eq!(images[1].operating_system, OperatingSystem::Unknown);
    let errors = [("E", "m"), ("DiskFreeSpace", "full")].map(|(c, m)| (c.to_owned(), m.to_owned()));
    assert_eq!(images[1].errors, errors);
}

#[tokio::test]
async fn the_number_of_pages_of_a_listing_is_limited() {
    let pages = (0..1100)
        .map(|n| page(&[], Some(&format!("t{n}"))))
        .collect();
    let server = Server::start(pages).await;
    let error = AwsFast::list(&server).await;
    assert!(error.contains("more than 1000 pages"), "{error}");
    assert_eq!(server.operations().len(), 1000);
}

/// A client whose rate does not matter for a thousand pages.
struct AwsFast;

impl AwsFast {
    async fn list(server: &Server) -> String {
        let api = repave::cloud::aws::AwsCloud::embedded(&server.url, "eu-west-1", 1e6);
        api.observe(&Ask::Images).await.unwrap_err().to_string()
    }
}

#[tokio::test]
async fn an_error_that_is_also_in_the_details_is_reported_once() {
    let body = r#"{"Images":[{"ImageId":"wsi-1","State":"ERROR","ErrorCode":"DiskFreeSpace","ErrorMessage":"full",
        "ErrorDetails":[{"ErrorCode":"DiskFreeSpace","ErrorMessage":"full"},
        {"ErrorCode":"DiskFreeSpace","ErrorMessage":"no room"},{"ErrorCode":"DiskFreeSpace","ErrorMessage":"full"}]}]}"#;
    let server = Server::start(vec![Wire::Body(200, body.into())]).await;
    let observed = server.api().observe(&Ask::Images).await.unwrap();
    let errors: Vec<_> = observed
        .iter()
        .flat_map(|image| image.errors.clone())
        .collect();
    let expected = ["full", "no room"].map(|text| ("DiskFreeSpace".to_owned(), text.to_owned()));
    assert_eq!(errors, expected);
}

#[tokio::test]
async fn a_listing_ends_with_an_empty_token() {
    let server = Server::start(vec![page(&["wsi-1 one AVAILABLE"], Some(""))]).await;
    assert_eq!(server.api().observe(&Ask::Images).await.unwrap().len(), 1);
    assert_eq!(server.operations().len(), 1);
}
