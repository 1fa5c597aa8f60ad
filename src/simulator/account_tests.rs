//! Stories over a simulated account: calls at given seconds, and what came back.

use super::*;
use crate::simulator::fault::Member;
use crate::simulator::stock::{BuildError, Detail, State, System};
use crate::simulator::wire::{
    CodePlacement, CreateTags, DeleteImage, DescribeImages, DescribeTags, ListedImage, Operation,
    Tag,
};
use jiff::SignedDuration;

const CREATE: Operation = Operation::CreateUpdatedWorkspaceImage;
const DESCRIBE: Operation = Operation::DescribeWorkspaceImages;
const GOLD: &str = "wsi-000000001";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn id(text: &str) -> ImageId {
    ImageId::parse(text).unwrap()
}

fn name(text: &str) -> ImageName {
    ImageName::parse(text).unwrap()
}

/// An account with an image `Gold`, no rate limit and a build time of 100 s.
fn account_with(change: impl FnOnce(&mut Account)) -> Account {
    let mut account = Account {
        api_rate: ApiRate::NO_LIMIT,
        build_time: SignedDuration::from_secs(100),
        ..Account::default()
    };
    change(&mut account);
    account.add_image(id(GOLD), Image::new(name("Gold")));
    account
}

fn account() -> Account {
    account_with(|_| {})
}

fn failing(rules: impl IntoIterator<Item = Rule>) -> Account {
    let mut account = account();
    for rule in rules {
        account.add_fault(rule);
    }
    account
}

fn creating(image: &str, source: &str) -> Call {
    Call::CreateUpdatedImage(CreateUpdatedImage {
        name: Some(image.into()),
        description: Some("An update".into()),
        source_image_id: Some(source.into()),
        tags: None,
    })
}

/// What a call came to: `ok`, the error's code, or what happened to the answer.
fn outcome(reply: &Reply) -> String {
    match &reply.answer {
        Answer::Ok(_) => "ok".into(),
        Answer::Error(error) => error.code.clone(),
        Answer::RawHttp { status, body, .. } => format!("{status} {body}"),
        Answer::DropConnection => "cut".into(),
    }
}

fn create(account: &mut Account, second: i64, image: &str) -> String {
    outcome(&account.call(at(second), &creating(image, GOLD)))
}

/// One page: its images and its token.
fn page(
    account: &mut Account,
    second: i64,
    input: DescribeImages,
) -> (Vec<ListedImage>, Option<String>) {
    match account
        .call(at(second), &Call::DescribeImages(input))
        .answer
    {
        Answer::Ok(Output::Images { images, next_token }) => (images, next_token),
        other => panic!("{other:?}"),
    }
}

/// The whole listing in a few words: each image's name and state.
fn list(account: &mut Account, second: i64) -> Vec<String> {
    let (images, token) = page(account, second, DescribeImages::default());
    assert_eq!(token, None);
    let shown = |text: Option<String>| text.unwrap_or_else(|| "?".into());
    let mut list: Vec<_> = images
        .into_iter()
        .map(|image| format!("{} {}", shown(image.name), shown(image.state)))
        .collect();
    list.sort();
    list
}

fn names_made(account: &Account) -> Vec<&str> {
    account
        .created()
        .iter()
        .map(|made| made.name.as_str())
        .collect()
}

#[test]
fn an_image_builds_for_its_time_and_is_then_available() {
    let mut account = account();
    assert_eq!(create(&mut account, 0, "New"), "ok");
    assert_eq!(list(&mut account, 99), ["Gold AVAILABLE", "New PENDING"]);
    assert_eq!(list(&mut account, 100), ["Gold AVAILABLE", "New AVAILABLE"]);
    let [made] = account.created() else { panic!() };
    assert_eq!((made.at, made.source_image_id.as_str()), (at(0), GOLD));
    // Ids are the same in every run, and do not come back after a deletion.
    assert_eq!(made.image_id.as_str(), "wsi-d2025a118ab9");
    assert!(account.delete_by_hand(&made.image_id.clone()));
    assert_eq!(create(&mut account, 101, "New"), "ok");
    assert_ne!(account.created()[0].image_id, account.created()[1].image_id);
}

#[test]
fn a_build_can_fail_with_details_or_take_long() {
    let failed = BuildError {
        code: "ImportFailed".into(),
        message: "No".into(),
        details: vec![Detail {
            code: "DiskFreeSpace".into(),
            message: "Full".into(),
        }],
    };
    let mut account = failing([
        Rule::next(CREATE, Fault::FailedBuild(failed)),
        Rule::next(
            CREATE,
            Fault::LongBuild {
                by: SignedDuration::from_hours(5),
            },
        ),
    ]);
    assert_eq!(create(&mut account, 0, "Bad"), "ok");
    assert_eq!(create(&mut account, 0, "Slow"), "ok");
    assert_eq!(
        list(&mut account, 50),
        ["Bad PENDING", "Gold AVAILABLE", "Slow PENDING"]
    );
    assert_eq!(
        list(&mut account, 4 * 3600),
        ["Bad ERROR", "Gold AVAILABLE", "Slow PENDING"]
    );
    let (images, _) = page(&mut account, 4 * 3600, DescribeImages::default());
    let bad = images
        .iter()
        .find(|i| i.name.as_deref() == Some("Bad"))
        .unwrap();
    assert_eq!(bad.error_code.as_deref(), Some("ImportFailed"));
    assert_eq!(bad.error_details[0].error_code, "DiskFreeSpace");
    // A failed image keeps its name.
    assert_eq!(
        create(&mut account, 4 * 3600, "Bad"),
        "ResourceAlreadyExistsException"
    );
}

#[test]
fn a_create_is_refused_for_what_it_meets_in_the_account() {
    type Change = fn(&mut Account);

    let image = |change: fn(&mut Image)| {
        let mut image = Image::new(name("Source"));
        change(&mut image);
        image
    };
    let rows: [(&str, Change, Image, &str, &str); 8] = [
        ("New", |_| {}, image(|_| {}), "ok", "ok"),
        (
            "Gold",
            |_| {},
            image(|_| {}),
            "ResourceAlreadyExistsException",
            "ResourceAlreadyExistsException",
        ),
        (
            "Gold",
            |s| s.unique_names = false,
            image(|_| {}),
            "ok",
            "ok",
        ),
        (
            "New",
            |s| s.image_limit = 2,
            image(|_| {}),
            "ResourceLimitExceededException",
            "ResourceLimitExceededException",
        ),
        (
            "New",
            |_| {},
            image(|i| i.operating_system = System::Linux),
            "OperationNotSupportedException",
            "OperationNotSupportedException",
        ),
        (
            "New",
            |_| {},
            image(|i| i.shared_by = Some("444455556666".into())),
            "ResourceNotFoundException",
            "ResourceNotFoundException",
        ),
        (
            "New",
            |_| {},
            image(|i| i.busy_for = Some(SignedDuration::from_secs(30))),
            "InvalidResourceStateException",
            "ok",
        ),
        (
            "New",
            |_| {},
            image(|i| {
                i.state = State::Pending;
                i.pending_for = Some(SignedDuration::from_secs(30));
            }),
            "InvalidResourceStateException",
            "ok",
        ),
    ];
    for (new, change, source, first, after_a_minute) in rows {
        let mut account = account_with(change);
        account.add_image(id("wsi-000000002"), source.clone());
        for (second, expected) in [(0, first), (60, after_a_minute)] {
            let mut account = account.clone();
            list_quietly(&mut account);
            let reply = account.call(at(second), &creating(new, "wsi-000000002"));
            assert_eq!(
                outcome(&reply),
                expected,
                "{new} of {source:?} at {second} s"
            );
            assert_eq!(account.created().len(), usize::from(expected == "ok"));
        }
    }
}

/// The account's start, to which times in its images are relative.
fn list_quietly(account: &mut Account) {
    account.call(at(0), &Call::DescribeImages(DescribeImages::default()));
}

#[test]
fn a_failed_source_never_becomes_valid_and_an_unknown_one_is_named() {
    let mut account = account();
    account.add_image(
        id("wsi-000000002"),
        Image {
            state: State::Error,
            ..Image::new(name("Failed"))
        },
    );
    for second in [0, 1_000_000] {
        let reply = account.call(at(second), &creating("New", "wsi-000000002"));
        assert_eq!(outcome(&reply), "InvalidResourceStateException");
    }
    let members = |reply: Reply| match reply.answer {
        Answer::Error(error) => error.members,
        other => panic!("{other:?}"),
    };
    let unknown = members(account.call(at(0), &creating("New", "wsi-999999999")));
    assert_eq!(unknown["ResourceId"], "wsi-999999999");
    account.add_image(
        id("wsi-000000003"),
        Image {
            operating_system: System::Linux,
            ..Image::new(name("Linux"))
        },
    );
    let linux = members(account.call(at(0), &creating("New", "wsi-000000003")));
    assert_eq!(linux["reason"], "UNSUPPORTED_OPERATING_SYSTEM");
}

#[test]
fn a_source_is_busy_while_it_is_updated_if_so_set() {
    for (busy, second_create) in [(false, "ok"), (true, "InvalidResourceStateException")] {
        let mut account = account_with(|s| s.busy_while_updating = busy);
        assert_eq!(create(&mut account, 0, "A"), "ok");
        assert_eq!(create(&mut account, 99, "B"), second_create);
        assert_eq!(create(&mut account, 100, "C"), "ok");
    }
}

#[test]
fn all_calls_share_one_rate_limit() {
    let mut account = account_with(|s| s.api_rate = ApiRate::default());
    let describe = Call::DescribeImages(DescribeImages::default());
    for n in 0..5 {
        let call = if n % 2 == 0 {
            creating("New", "wsi-999999999")
        } else {
            describe.clone()
        };
        assert_ne!(outcome(&account.call(at(0), &call)), "ThrottlingException");
    }
    assert_eq!(create(&mut account, 0, "New"), "ThrottlingException");
    assert_eq!(
        outcome(&account.call(at(0), &describe)),
        "ThrottlingException"
    );
    assert_eq!(create(&mut account, 1, "New"), "ok");
    assert_eq!(outcome(&account.call(at(1), &describe)), "ok");
    assert_eq!(
        outcome(&account.call(at(1), &describe)),
        "ThrottlingException"
    );
}

#[test]
fn pages_hold_every_image_once_whatever_their_size() {
    let mut account = account();
    for n in 0..59 {
        account.add_image(
            id(&format!("wsi-1{n:08}")),
            Image::new(name(&format!("I{n}"))),
        );
    }
    for (size, pages) in [
        (None, 3),
        (Some(1), 60),
        (Some(7), 9),
        (Some(20), 3),
        (Some(25), 3),
    ] {
        let (mut ids, mut token, mut count) = (Vec::new(), None, 0);
        loop {
            let input = DescribeImages {
                max_results: size,
                next_token: token,
                ..Default::default()
            };
            // The same token gives the same page each time.
            assert_eq!(
                page(&mut account, 0, input.clone()),
                page(&mut account, 0, input.clone())
            );
            let (images, next) = page(&mut account, 0, input);
            ids.extend(images.into_iter().filter_map(|image| image.image_id));
            count += 1;
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!((ids.len(), count), (60, pages));
        assert!(ids.is_sorted());
    }
    let small = account_with(|s| s.page_size = 1);
    assert_eq!(
        page(&mut small.clone(), 0, DescribeImages::default()).1,
        None
    );
    for token in ["x", "0123456789abcdef00", "é"] {
        let input = DescribeImages {
            next_token: Some(token.into()),
            ..Default::default()
        };
        let reply = account.call(at(0), &Call::DescribeImages(input));
        assert_eq!(outcome(&reply), "InvalidParameterValuesException");
    }
}

#[test]
fn only_images_that_the_account_owns_count_for_its_quota() {
    let mut account = account_with(|s| s.image_limit = 2);
    let shared = Image {
        shared_by: Some("444455556666".into()),
        ..Image::new(name("Shared"))
    };
    for shared_id in ["wsi-000000002", "wsi-000000003"] {
        account.add_image(id(shared_id), shared.clone());
    }
    assert_eq!(create(&mut account, 0, "New"), "ok");
    let refused = create(&mut account, 0, "Newer");
    assert_eq!(refused, "ResourceLimitExceededException");
    assert_eq!(names_made(&account), ["New"]);
}

#[test]
fn listings_can_be_narrowed_to_ids_and_to_owned_or_shared_images() {
    let mut account = account();
    let shared = Image {
        shared_by: Some("444455556666".into()),
        ..Image::new(name("Shared"))
    };
    account.add_image(id("wsi-000000002"), shared);
    for (kind, ids, found) in [
        (None, None, vec![GOLD, "wsi-000000002"]),
        (Some("OWNED"), None, vec![GOLD]),
        (Some("SHARED"), None, vec!["wsi-000000002"]),
        (Some("OWNED"), Some("wsi-000000002"), vec![]),
        (None, Some("wsi-000000002"), vec!["wsi-000000002"]),
        (None, Some("wsi-999999999"), vec![]),
    ] {
        let input = DescribeImages {
            image_ids: ids.map(|id| vec![id.to_owned()]),
            image_type: kind.map(str::to_owned),
            ..Default::default()
        };
        let (images, _) = page(&mut account, 0, input);
        let listed: Vec<_> = images
            .iter()
            .filter_map(|i| i.image_id.as_deref())
            .collect();
        assert_eq!(listed, found, "{kind:?} {ids:?}");
    }
}

#[test]
fn an_image_that_is_created_between_the_pages_of_the_first_listing_is_on_none_of_them() {
    let mut account = account();
    account.add_image(id("wsi-zzzzzzzzz"), Image::new(name("Last")));
    let one = |next_token: Option<String>| DescribeImages {
        max_results: Some(1),
        next_token,
        ..Default::default()
    };
    let (_, token) = page(&mut account, 0, one(None));
    assert_eq!(create(&mut account, 0, "New"), "ok");
    let (images, next) = page(&mut account, 0, one(token));
    assert_eq!((images[0].name.as_deref(), next), (Some("Last"), None));
    assert_eq!(list(&mut account, 0).len(), 3);
}

#[test]
fn a_new_image_is_missing_from_so_many_listings_and_from_every_page_of_them() {
    let mut account = account_with(|s| s.listing_lag = 2);
    account.add_image(id("wsi-zzzzzzzzz"), Image::new(name("Last")));
    assert_eq!(create(&mut account, 0, "New"), "ok");
    let one = |token: Option<String>| DescribeImages {
        max_results: Some(1),
        next_token: token,
        ..Default::default()
    };
    for listing in 1..=4 {
        let (mut names, mut token) = (Vec::new(), None);
        loop {
            // Listings that are begun in the midst of this one do not change it.
            let mut aside = account.clone();
            for _ in 0..3 {
                page(&mut aside, 0, DescribeImages::default());
            }
            if token.is_some() {
                assert_eq!(
                    page(&mut aside, 0, one(token.clone())),
                    page(&mut account, 0, one(token.clone()))
                );
            }
            let (images, next) = page(&mut account, 0, one(token));
            names.extend(images.into_iter().filter_map(|image| image.name));
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(
            names.contains(&"New".to_owned()),
            listing > 2,
            "listing {listing}: {names:?}"
        );
    }
    // An image that is made while a listing is read is not in that listing, even without any lag.
    let mut account = account_with(|_| {});
    account.add_image(id("wsi-zzzzzzzzz"), Image::new(name("Last")));
    let (_, token) = page(&mut account, 0, one(None));
    assert_eq!(create(&mut account, 0, "New"), "ok");
    let (images, token) = page(&mut account, 0, one(token));
    assert_eq!((images[0].name.as_deref(), token), (Some("Last"), None));
    assert_eq!(list(&mut account, 0).len(), 3);
}

#[test]
fn faults_before_the_effect_make_no_image_and_those_after_it_do() {
    let error = Fault::Error {
        code: "ExpiredTokenException".into(),
        message: "expired".into(),
        status: 400,
        placement: CodePlacement::Header,
    };
    let html = "500 <html><body><h1>500 Internal Server Error</h1></body></html>\n";
    for (fault, expected, made) in [
        (Fault::Throttle {}, "ThrottlingException", 0),
        (error, "ExpiredTokenException", 0),
        (
            Fault::InternalErrorBefore {
                body: ErrorBody::Json,
            },
            "InternalFailure",
            0,
        ),
        (
            Fault::InternalErrorBefore {
                body: ErrorBody::Html,
            },
            html,
            0,
        ),
        (
            Fault::InternalErrorAfter {
                body: ErrorBody::Json,
            },
            "InternalFailure",
            1,
        ),
        (
            Fault::InternalErrorAfter {
                body: ErrorBody::Empty,
            },
            "500 ",
            1,
        ),
        (Fault::DropBefore {}, "cut", 0),
        (Fault::DropAfter {}, "cut", 1),
        (Fault::MalformedBody {}, "200 {\"ImageId\":\"wsi", 1),
        (
            Fault::Slow {
                by: SignedDuration::from_secs(3),
            },
            "ok",
            1,
        ),
    ] {
        let mut account = failing([Rule::next(CREATE, fault.clone())]);
        let reply = account.call(at(0), &creating("New", GOLD));
        assert_eq!(outcome(&reply), expected);
        let slow = matches!(fault, Fault::Slow { .. });
        assert_eq!(reply.delay, Duration::from_secs(if slow { 3 } else { 0 }));
        assert_eq!(account.created().len(), made, "{fault:?}");
        // The rule is used up: the next create meets what the first one left.
        let next = if made == 0 {
            "ok"
        } else {
            "ResourceAlreadyExistsException"
        };
        assert_eq!(create(&mut account, 1, "New"), next, "{fault:?}");
        assert_eq!(account.faults().count(), 0);
    }
}

#[test]
fn a_late_effect_comes_in_its_time_and_only_if_it_then_can() {
    let late = || {
        Rule::next(
            CREATE,
            Fault::LateEffect {
                by: SignedDuration::from_secs(60),
            },
        )
    };
    let mut alone = failing([late()]);
    assert_eq!(create(&mut alone, 0, "New"), "InternalFailure");
    assert_eq!(list(&mut alone, 59), ["Gold AVAILABLE"]);
    assert_eq!(list(&mut alone, 60), ["Gold AVAILABLE", "New PENDING"]);
    assert_eq!(list(&mut alone, 160), ["Gold AVAILABLE", "New AVAILABLE"]);

    let mut overtaken = failing([late()]);
    assert_eq!(create(&mut overtaken, 0, "New"), "InternalFailure");
    assert_eq!(create(&mut overtaken, 30, "New"), "ok");
    list(&mut overtaken, 100);
    assert_eq!(names_made(&overtaken), ["New"]);
}

#[test]
fn tags_can_be_denied_alone() {
    let rule = || Rule {
        operation: None,
        times: 9,
        ..Rule::next(CREATE, Fault::DenyTags {})
    };
    let mut account = failing([rule()]);
    let tags = Some(vec![Tag {
        key: Some("team".into()),
        value: None,
    }]);
    let tagged = Call::CreateUpdatedImage(CreateUpdatedImage {
        name: Some("Tagged".into()),
        description: Some("d".into()),
        source_image_id: Some(GOLD.into()),
        tags: tags.clone(),
    });
    assert_eq!(
        outcome(&account.call(at(0), &tagged)),
        "AccessDeniedException"
    );
    assert_eq!(create(&mut account, 0, "Plain"), "ok");
    let later = Call::CreateTags(CreateTags {
        resource_id: Some(GOLD.into()),
        tags,
    });
    assert_eq!(
        outcome(&account.call(at(0), &later)),
        "AccessDeniedException"
    );
    assert_eq!(names_made(&account), ["Plain"]);
}

#[test]
fn listings_can_be_broken_in_every_known_way() {
    let one = || DescribeImages {
        max_results: Some(1),
        ..Default::default()
    };
    let with_two = |fault: Fault, only: Option<&str>| {
        let mut account = account();
        account.add_image(id("wsi-000000002"), Image::new(name("Other")));
        let image_name = only.map(str::to_owned);
        account.add_fault(Rule {
            image_name,
            ..Rule::next(DESCRIBE, fault)
        });
        account
    };

    let mut account = with_two(Fault::EmptyPageWithToken {}, None);
    let (images, token) = page(&mut account, 0, DescribeImages::default());
    assert!(images.is_empty() && token.is_some());
    let (images, token) = page(
        &mut account,
        0,
        DescribeImages {
            next_token: token,
            ..Default::default()
        },
    );
    assert_eq!((images.len(), token), (2, None));

    let mut account = with_two(Fault::RepeatedToken {}, None);
    let (first, token) = page(&mut account, 0, one());
    for _ in 0..3 {
        let again = DescribeImages {
            next_token: token.clone(),
            ..one()
        };
        assert_eq!(page(&mut account, 0, again), (first.clone(), token.clone()));
    }

    let members = Fault::MissingMembers {
        members: vec![Member::Name, Member::Created],
    };
    assert_eq!(
        list(&mut with_two(members, Some("Other")), 0),
        ["? AVAILABLE", "Gold AVAILABLE"]
    );
    let members = Fault::MissingMembers {
        members: Member::all_but_id(),
    };
    let (images, _) = page(&mut with_two(members, None), 0, one());
    let bare = ListedImage {
        image_id: Some(GOLD.into()),
        ..Default::default()
    };
    assert_eq!(images, [bare]);

    let copying = || Fault::UnknownEnumValue {
        value: "COPYING".into(),
    };
    assert_eq!(
        list(&mut with_two(copying(), Some("Gold")), 0),
        ["Gold COPYING", "Other AVAILABLE"]
    );
    let mut account = with_two(Fault::HiddenImages {}, Some("Gold"));
    assert_eq!(list(&mut account, 0), ["Other AVAILABLE"]);
    assert_eq!(list(&mut account, 0), ["Gold AVAILABLE", "Other AVAILABLE"]);
    assert_eq!(
        list(&mut with_two(Fault::HiddenImages {}, None), 0),
        Vec::<String>::new()
    );
}

#[test]
fn images_are_tagged_and_deleted() {
    let mut account = account();
    let tag = |key: &str, value: &str| Tag {
        key: Some(key.into()),
        value: Some(value.into()),
    };
    let put = |tags: Vec<Tag>| {
        Call::CreateTags(CreateTags {
            resource_id: Some(GOLD.into()),
            tags: Some(tags),
        })
    };
    let tags_of = |resource: &str| {
        Call::DescribeTags(DescribeTags {
            resource_id: Some(resource.into()),
        })
    };
    let delete = |image: &ImageId| {
        Call::DeleteImage(DeleteImage {
            image_id: Some(image.to_string()),
        })
    };

    assert_eq!(
        outcome(&account.call(at(0), &put(vec![tag("b", "1"), tag("a", "1")]))),
        "ok"
    );
    assert_eq!(
        outcome(&account.call(at(0), &put(vec![tag("b", "2")]))),
        "ok"
    );
    let many = (0..49).map(|n| tag(&format!("k{n}"), "")).collect();
    assert_eq!(
        outcome(&account.call(at(0), &put(many))),
        "ResourceLimitExceededException"
    );
    assert_eq!(
        account.call(at(0), &tags_of(GOLD)).answer,
        Answer::Ok(Output::Tags {
            tag_list: vec![tag("a", "1"), tag("b", "2")]
        })
    );
    assert_eq!(
        outcome(&account.call(at(0), &tags_of("wsi-999999999"))),
        "ResourceNotFoundException"
    );

    assert_eq!(create(&mut account, 0, "New"), "ok");
    let new = account.created()[0].image_id.clone();
    assert_eq!(
        outcome(&account.call(at(0), &delete(&new))),
        "InvalidResourceStateException"
    );
    assert_eq!(outcome(&account.call(at(100), &delete(&new))), "ok");
    assert_eq!(
        outcome(&account.call(at(100), &delete(&new))),
        "ResourceNotFoundException"
    );
    assert_eq!(list(&mut account, 100), ["Gold AVAILABLE"]);
}

#[test]
fn sources_are_added_once_and_with_ids_that_depend_on_their_names() {
    let mut account = account();
    let long = id(&format!("wsi-{}", "a".repeat(63)));
    for _ in 0..2 {
        account.ensure_source_id(&id(GOLD), at(0));
        account.ensure_source_id(&long, at(0));
        account.ensure_source_name(&name("Gold"), at(0));
        account.ensure_source_name(&name("Other"), at(0));
    }
    assert_eq!(account.images().count(), 3);
    let other = |account: &Account| {
        account
            .named(&name("Other"))
            .map(|(id, _)| id.clone())
            .collect::<Vec<_>>()
    };
    let mut elsewhere = Account::default();
    elsewhere.ensure_source_name(&name("Other"), at(99));
    assert_eq!(other(&account), other(&elsewhere));
    for image in [other(&account)[0].clone(), long] {
        let reply = account.call(
            at(0),
            &creating(&format!("Of{}", &image.as_str()[4..9]), image.as_str()),
        );
        assert_eq!(outcome(&reply), "ok");
    }
}

#[test]
fn an_account_survives_being_written_down() {
    let mut account = failing([
        Rule {
            skip: 3,
            times: 2,
            ..Rule::next(CREATE, Fault::DropAfter {})
        },
        Rule::next(
            CREATE,
            Fault::LateEffect {
                by: SignedDuration::from_secs(60),
            },
        ),
        Rule::next(
            DESCRIBE,
            Fault::MissingMembers {
                members: vec![Member::Name],
            },
        ),
    ]);
    account.add_image(
        id("wsi-000000002"),
        Image {
            busy_for: Some(SignedDuration::from_secs(9)),
            ..Image::new(name("Busy"))
        },
    );
    let written = |account: &Account| {
        let text = serde_json::to_string(account).unwrap();
        let again = serde_json::from_str::<Account>(&text).unwrap();
        crate::simulator::seed::validate(&again).unwrap();
        again
    };
    assert_eq!(written(&account), account);
    create(&mut account, 0, "Late");
    create(&mut account, 0, "New");
    let mut again = written(&account);
    assert_eq!(again, account);
    assert_eq!(
        create(&mut again, 200, "New"),
        create(&mut account, 200, "New")
    );
    assert_eq!(again, account);

    // Another version's account has fields that this one does not know.
    let other = serde_json::to_string(&account)
        .unwrap()
        .replace("\"listings\":", "\"lists\":");
    let error = serde_json::from_str::<Account>(&other).unwrap_err();
    assert!(
        error.to_string().contains("unknown field `lists`"),
        "{error}"
    );
}

#[test]
fn only_lasting_changes_move_the_revision() {
    let mut account = account_with(|s| {
        s.api_rate = ApiRate {
            per_second: 100,
            burst: 100,
        };
    });
    list(&mut account, 0);
    let started = account.revision();
    list(&mut account, 1);
    create(&mut account, 1, "Gold");
    assert_eq!(account.revision(), started);
    create(&mut account, 1, "New");
    assert!(account.revision() > started);
}
