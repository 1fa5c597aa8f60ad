//! Every order of events that a small world allows, explored to the end: the shipped `plan`, classification and status
//! transitions, called through a thin mapping.
//!
//! The mapping: time goes in ticks of half a settle window; status is cut down to what the plan reads (`memory.rs`), which
//! a test holds to be all that matters; a pass is one step up to its plan, then for each create a step for the mark and one
//! for the call and its record, and the process may die between any two of them and between call and record. Time may pass
//! between any two of them too; and as often as the budget of pauses says, the process is stopped between the time that a pass
//! reads and its listing, between the listing and its plan, and between a call and its record. That the shipped `reconcile` and
//! `apply` keep this order, and that a save is whole or not at all, is shown elsewhere: by simulation, by a binary that is
//! stopped, and by crash points.
//!
//! Each property is shown under an assumption, and the last test shows the failure where neither holds:
//!
//! | world | assumption |
//! |---|---|
//! | `unique` | the service refuses a second image of a name; requests may arrive at any time, status may be lost, there may be two controllers |
//! | `bounded` | a request takes effect, and its image is listed, within the settle window; one controller with its status |
//!
//! `REPAVE_TEST_MODEL=full` explores more than two million states (about a minute in the `proof` profile),
//! `REPAVE_TEST_MODEL=large` some five times as many.

mod memory;
mod names;
mod world;

use stateright::{Checker, Model};

use world::{Budget, Reads, Rules, World};

fn size() -> String {
    #[expect(clippy::disallowed_methods, reason = "a test's own setting")]
    std::env::var("REPAVE_TEST_MODEL").unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "figures for docs/reliability.md")]
/// Explores the world to its end, and says how large it was.
fn explore(name: &str, world: World) -> usize {
    let reached = world.reached.clone();
    let begun = std::time::Instant::now();
    let checker = world.checker().threads(2).spawn_bfs().join();
    assert!(checker.is_done());
    println!(
        "{name}: {} states, depth {}, {:?}",
        checker.unique_state_count(),
        checker.max_depth(),
        begun.elapsed()
    );
    checker.assert_properties();
    reached.assert_all(name);
    checker.unique_state_count()
}

#[test]
fn with_names_that_are_unique_nothing_is_made_twice_and_nothing_is_stuck() {
    let worlds: &[(&str, Rules, Budget)] = match size().as_str() {
        "large" => &[
            (
                "one name",
                Rules::unique(1, 1),
                Budget {
                    faults: 4,
                    crashes: 2,
                    lost: 1,
                    hand: 1,
                    manifests: 2,
                    pauses: 0,
                },
            ),
            (
                "one name, stopped in between",
                Rules::unique(1, 1),
                Budget {
                    faults: 2,
                    crashes: 1,
                    lost: 1,
                    hand: 1,
                    manifests: 1,
                    pauses: 2,
                },
            ),
            (
                "two names",
                Rules::unique(2, 1),
                Budget {
                    faults: 2,
                    crashes: 2,
                    lost: 1,
                    hand: 1,
                    manifests: 0,
                    pauses: 0,
                },
            ),
            (
                "a chain",
                Rules::chain(),
                Budget {
                    faults: 3,
                    crashes: 1,
                    lost: 1,
                    hand: 1,
                    manifests: 0,
                    pauses: 0,
                },
            ),
            (
                "two controllers",
                Rules::unique(1, 2),
                Budget {
                    faults: 2,
                    crashes: 1,
                    lost: 1,
                    hand: 1,
                    manifests: 1,
                    pauses: 0,
                },
            ),
        ],
        "full" => &[
            (
                "one name",
                Rules::unique(1, 1),
                Budget {
                    faults: 3,
                    crashes: 2,
                    lost: 1,
                    hand: 1,
                    manifests: 2,
                    pauses: 0,
                },
            ),
            (
                "one name, stopped in between",
                Rules::unique(1, 1),
                Budget {
                    faults: 2,
                    crashes: 1,
                    lost: 1,
                    hand: 1,
                    manifests: 0,
                    pauses: 1,
                },
            ),
            (
                "two names",
                Rules::unique(2, 1),
                Budget {
                    faults: 2,
                    crashes: 1,
                    lost: 1,
                    hand: 1,
                    manifests: 0,
                    pauses: 0,
                },
            ),
            (
                "a chain",
                Rules::chain(),
                Budget {
                    faults: 3,
                    crashes: 1,
                    lost: 1,
                    hand: 1,
                    manifests: 0,
                    pauses: 0,
                },
            ),
            (
                "two controllers",
                Rules::unique(1, 2),
                Budget {
                    faults: 2,
                    crashes: 1,
                    lost: 1,
                    hand: 1,
                    manifests: 0,
                    pauses: 0,
                },
            ),
        ],
        _ => &[
            (
                "one name",
                Rules::unique(1, 1),
                Budget {
                    faults: 2,
                    crashes: 1,
                    lost: 1,
                    hand: 0,
                    manifests: 0,
                    pauses: 0,
                },
            ),
            (
                "two controllers",
                Rules::unique(1, 2),
                Budget {
                    faults: 1,
                    crashes: 1,
                    lost: 0,
                    hand: 0,
                    manifests: 0,
                    pauses: 0,
                },
            ),
        ],
    };
    let total: usize = worlds
        .iter()
        .map(|(name, rules, budget)| explore(name, World::new(*rules, *budget)))
        .sum();
    println!("in all: {total} states");
    assert!(size() != "full" || total >= 2_000_000, "{total}");
}

#[test]
fn with_requests_that_arrive_in_time_nothing_is_made_twice_either() {
    let worlds: &[(&str, Rules, Budget)] = match size().as_str() {
        "large" => &[
            (
                "one name",
                Rules::bounded(1),
                Budget {
                    faults: 5,
                    crashes: 2,
                    lost: 0,
                    hand: 2,
                    manifests: 2,
                    pauses: 0,
                },
            ),
            (
                "one name, stopped in between",
                Rules::bounded(1),
                Budget {
                    faults: 3,
                    crashes: 1,
                    lost: 0,
                    hand: 1,
                    manifests: 1,
                    pauses: 2,
                },
            ),
            (
                "two names",
                Rules::bounded(2),
                Budget {
                    faults: 2,
                    crashes: 1,
                    lost: 0,
                    hand: 1,
                    manifests: 0,
                    pauses: 0,
                },
            ),
        ],
        "full" => &[
            (
                "one name",
                Rules::bounded(1),
                Budget {
                    faults: 4,
                    crashes: 1,
                    lost: 0,
                    hand: 1,
                    manifests: 2,
                    pauses: 0,
                },
            ),
            (
                "one name, stopped in between",
                Rules::bounded(1),
                Budget {
                    faults: 3,
                    crashes: 1,
                    lost: 0,
                    hand: 1,
                    manifests: 0,
                    pauses: 2,
                },
            ),
            (
                "two names",
                Rules::bounded(2),
                Budget {
                    faults: 1,
                    crashes: 1,
                    lost: 0,
                    hand: 0,
                    manifests: 0,
                    pauses: 0,
                },
            ),
        ],
        _ => &[(
            "one name",
            Rules::bounded(1),
            Budget {
                faults: 3,
                crashes: 1,
                lost: 0,
                hand: 0,
                manifests: 0,
                pauses: 1,
            },
        )],
    };
    for (name, rules, budget) in worlds {
        explore(name, World::new(*rules, *budget));
    }
}

#[test]
fn where_neither_holds_the_model_finds_the_second_image() {
    let budget = Budget {
        faults: 1,
        crashes: 0,
        lost: 0,
        hand: 0,
        manifests: 0,
        pauses: 0,
    };
    let checker = World::new(Rules::neither(), budget)
        .checker()
        .spawn_bfs()
        .join();
    let path = checker.assert_any_discovery("S1: one image a name");
    let actions: Vec<String> = path
        .into_actions()
        .iter()
        .map(|action| format!("{action:?}"))
        .collect();
    println!("{actions:#?}");
    assert!(
        actions.iter().any(|action| action.starts_with("Arrives")),
        "{actions:?}"
    );
}

/// A process can be stopped between any two of its steps, for less than the settle window too. Where it reads the clock for
/// its plan once, after the listing or before it, the model finds the second image; where it reads it twice, there is none
/// (above).
#[test]
fn where_a_pass_reads_the_clock_once_a_pause_makes_a_second_image() {
    let budget = Budget {
        faults: 2,
        crashes: 1,
        lost: 0,
        hand: 0,
        manifests: 0,
        pauses: 1,
    };
    for (reads, pause) in [(Reads::After, "Lists"), (Reads::Before, "Begins")] {
        let rules = Rules {
            reads,
            ..Rules::bounded(1)
        };
        let checker = World::new(rules, budget).checker().spawn_bfs().join();
        let path = checker.assert_any_discovery("S1: one image a name");
        let actions: Vec<String> = path
            .into_actions()
            .iter()
            .map(|action| format!("{action:?}"))
            .collect();
        assert!(
            actions.iter().any(|action| action.starts_with(pause)),
            "{reads:?}: {actions:?}"
        );
        // The pause alone does it.
        let unpaused = Budget {
            pauses: 0,
            ..budget
        };
        explore("without a pause", World::new(rules, unpaused));
    }
}

/// What `memory.rs` leaves out decides nothing: filled in oddly, every pass of the small world goes the same way.
#[test]
fn what_the_model_leaves_out_changes_nothing() {
    let budget = Budget {
        faults: 2,
        crashes: 1,
        lost: 1,
        hand: 0,
        manifests: 0,
        pauses: 0,
    };
    let paused = Budget {
        faults: 1,
        pauses: 1,
        ..budget
    };
    for budget in [budget, paused] {
        let mut world = World::new(Rules::unique(1, 1), budget);
        world.compares = true;
        explore("compared", world);
    }
}
