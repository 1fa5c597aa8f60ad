//! The loop and the SDK that ship, over an HTTP client that lets calls go wrong, in front of the simulator's account, on a
//! paused clock: every fault and every pair of faults at every call, and random schedules of up to ten.
//!
//! What must hold at every call is in `watch.rs`; in the end, with no fault any more, every image is ready within a bound,
//! and a new process finds nothing to do.
//!
//! | variable | sets |
//! |---|---|
//! | `REPAVE_TEST_PAIRS=all` | every pair of faults in place of a sample |
//! | `REPAVE_TEST_SCHEDULES` | how many random schedules (200) |
//! | `REPAVE_TEST_SEED` | the first one's seed (1); the next ones follow |

#![expect(clippy::print_stdout, reason = "seeds, schedules and figures")]

mod network;
mod run;
mod schedule;
mod watch;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use run::{Failure, Report, run};
use schedule::{Drive, EACH, Fault, Moment, Schedule};

fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a campaign's size")]
    std::env::var(name).ok()
}

/// What a campaign saw.
#[derive(Debug, Default)]
struct Tally {
    runs: usize,
    calls: usize,
    fired: usize,
    longest: Duration,
}

/// Runs every schedule, on all processors; the first failure is shortened and told.
fn campaign(schedules: &(dyn Fn(usize) -> Schedule + Sync), count: usize) -> Tally {
    let next = AtomicUsize::new(0);
    let tally = Mutex::new(Tally::default());
    let failed: Mutex<Option<Schedule>> = Mutex::new(None);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count || failed.lock().unwrap().is_some() {
                        return;
                    }
                    let schedule = schedules(at);
                    match run(&schedule) {
                        Ok(report) => tally.lock().unwrap().add(&report),
                        Err(_) => {
                            failed.lock().unwrap().get_or_insert(schedule);
                        }
                    }
                }
            });
        }
    });
    if let Some(schedule) = failed.into_inner().unwrap() {
        tell(schedule);
    }
    tally.into_inner().unwrap()
}

impl Tally {
    fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.calls += report.verbs.len();
        self.fired += report.fired;
        self.longest = self.longest.max(report.rested);
    }
}

/// Fails with the shortest schedule that still does.
fn tell(schedule: Schedule) {
    let seed = schedule.seed;
    let shortened = schedule.shortened(|shorter| run(shorter).is_err());
    if let Err(Failure { why, trace }) = run(&shortened) {
        let trace = trace.join("\n");
        println!("REPAVE_TEST_SEED={seed}\n{shortened:#?}\n{trace}\n{why}");
    }
    assert!(run(&shortened).is_ok(), "see above");
}

/// Every fault at every call of a run, and then every fault at every later call of that run.
fn pairs(drive: Drive, unique: bool) -> Vec<Schedule> {
    let plain = |faults: &[(u32, Fault)]| Schedule::plain(drive, unique, faults.to_vec());
    let fits = |report: &Report, from: u32| {
        let calls = (1..).zip(report.verbs.clone());
        let calls: Vec<_> = calls.filter(|(at, _)| *at > from).collect();
        calls.into_iter().flat_map(move |(at, verb)| {
            EACH.into_iter()
                .filter(move |fault| fault.fits(verb) && (unique || fault.is_bounded()))
                .map(move |fault| (at, fault))
        })
    };
    let base = run(&plain(&[])).unwrap();
    let mut schedules = vec![plain(&[])];
    for first in fits(&base, 0) {
        let one = plain(&[first]);
        // The second one among the calls that a run without any makes: what comes later only repeats them.
        schedules.extend(fits(&base, first.0).map(|second| plain(&[first, second])));
        schedules.push(one);
    }
    schedules
}

fn every_pair(drive: Drive, unique: bool) {
    let all = pairs(drive, unique);
    let whole = setting("REPAVE_TEST_PAIRS").is_some_and(|text| text == "all");
    // A prime: the sample meets every fault and every call.
    let step = if whole { 1 } else { 211 };
    let tally = campaign(&|at| all[at * step].clone(), all.len().div_ceil(step));
    println!("{} schedules: {tally:?}", all.len());
    assert!(tally.fired > tally.runs, "{tally:?}");
}

#[test]
fn one_fault_or_two_at_any_call_of_one_shot_runs() {
    every_pair(Drive::Once, true);
}

#[test]
fn one_fault_or_two_at_any_call_of_one_shot_runs_where_names_are_not_unique() {
    every_pair(Drive::Once, false);
}

#[test]
fn random_schedules_end_still() {
    let number = |name| setting(name).and_then(|text| text.parse::<u64>().ok());
    let first = number("REPAVE_TEST_SEED").unwrap_or(1);
    let count = number("REPAVE_TEST_SCHEDULES").unwrap_or(200);
    let tally = campaign(
        &|at| Schedule::random(first + u64::try_from(at).unwrap()),
        usize::try_from(count).unwrap(),
    );
    println!("{tally:?}");
}

#[test]
fn a_listing_that_failed_when_all_was_ready_is_gone_when_it_rests() {
    // Found by the campaign: nothing could be saved until all was ready, and the first status that was told of a listing cut
    // short too.
    let faults = vec![
        (
            1,
            Fault::Crash {
                when: Moment::After,
                down: 5,
                forgets: false,
            },
        ),
        (13, Fault::SaveFails(841)),
        (37, Fault::RepeatedToken),
    ];
    let schedule = Schedule {
        seed: 13186,
        faults,
        ..Schedule::random(13186)
    };
    run(&schedule).unwrap();
}

/// A pass that is stopped after its listing must not end a window by it: the create that comes late may have come meanwhile.
#[test]
fn a_process_that_is_stopped_in_between_makes_nothing_twice() {
    for drive in [Drive::Once, Drive::Daemon] {
        for stops in [
            Fault::StopsBefore(599),
            Fault::StopsAfter(599),
            Fault::StopsAtPlan(599),
        ] {
            let mut stopped = 0;
            for call in 4..20 {
                let faults = vec![(3, Fault::Late(240)), (call, stops)];
                let schedule = Schedule::plain(drive, false, faults);
                match run(&schedule) {
                    Ok(report) => stopped += usize::from(report.fired == 2),
                    Err(failure) => {
                        let trace = failure.trace.join("\n");
                        panic!("{schedule:?}\n{trace}\n{}", failure.why);
                    }
                }
            }
            // Its last ones may come after the run's end.
            assert!(stopped >= 8, "{drive:?} {stops:?}: {stopped}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 1..20 {
        let schedule = Schedule::random(seed);
        let trace = || match run(&schedule) {
            Ok(report) => report.trace,
            Err(failure) => failure.trace,
        };
        let first = trace();
        assert!(first.len() > 10, "{first:?}");
        assert_eq!(first, trace(), "{schedule:?}");
    }
}

/// Where the service takes a second image of a name, and a create has effect after the settle window or repave forgets
/// that it sent one, there are two: no client could know. That this is seen here shows that a second image would be.
#[test]
fn beyond_what_is_promised_a_second_image_is_seen() {
    let forgets = Fault::Crash {
        when: Moment::Soon(0),
        down: 0,
        forgets: true,
    };
    for faults in [
        vec![(3, Fault::Late(3600))],
        vec![(3, Fault::Late(60)), (4, forgets)],
    ] {
        let schedule = Schedule::plain(Drive::Once, false, faults);
        let failure = run(&schedule).unwrap_err();
        assert!(
            failure.why.contains("two images of the name a"),
            "{schedule:?}: {}",
            failure.why
        );
        let unique = Schedule {
            unique: true,
            ..schedule
        };
        if let Err(failure) = run(&unique) {
            panic!("{unique:?}: {}\n{}", failure.why, failure.trace.join("\n"));
        }
    }
}
