//! One pass: observe, plan, apply, record. When a pass runs, and how often, is decided elsewhere.

use jiff::SignedDuration;

use crate::cloud::{ApiError, Ask, Cloud, Gate};
use crate::model::image::Desired;
use crate::model::target::Target;
use crate::plan::Attempt;
use crate::plan::{Plan, plan};

use super::apply::apply;
use super::questions::plan_with_answers;
use crate::run::changes::Told;
use crate::state::file::FileStore;
use crate::state::status::{ManifestsStatus, Run, Status};
use crate::state::store::{Loaded, Store, StoreError};
use crate::sys::clock::{Clock, Now};
use crate::sys::stop::{Stop, StopReason};

/// What passes need beside the manifests, and what lasts from one to the next.
#[derive(Debug)]
pub struct Reconciler<C, S = FileStore> {
    cloud: C,
    gate: Gate,
    store: S,
    status: Status,
    settle: SignedDuration,
    clock: Clock,
    stop: Stop,
    told: Told,
    passes: u64,
}

/// A pass that came to its end.
#[derive(Debug)]
pub struct Pass<'a> {
    /// What was to be done.
    pub planned: Plan<'a>,
    /// The attempts that were made, each with its end.
    pub attempts: Vec<Attempt<'a>>,
    /// What is to be done now, by the same listing.
    pub left: Plan<'a>,
}

/// Why a pass did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The account could not be listed, so nothing was planned.
    #[error(transparent)]
    Observe(#[from] ApiError),
    /// The status could not be saved, so nothing more was started.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The plan was refused before it was carried out.
    #[error("refused: {0}")]
    Refused(String),
    /// There was the word to stop.
    #[error("stopped")]
    Stopped(StopReason),
}

impl<C: Cloud, S: Store> Reconciler<C, S> {
    /// Loads the memory of the target from the store.
    pub async fn new(
        (cloud, gate): (C, Gate),
        mut store: S,
        (target, run): (&Target, Run),
        settle: SignedDuration,
        clock: Clock,
        stop: Stop,
    ) -> Result<Self, StoreError> {
        let Loaded {
            mut status,
            warning,
        } = store.load(target).await?;
        status.run = Some(run);
        if let Some(warning) = warning {
            tracing::warn!("{warning}");
        }
        Ok(Self {
            cloud,
            gate,
            store,
            told: Told::by(&status),
            status,
            settle,
            clock,
            stop,
            passes: 0,
        })
    }

    pub fn status(&self) -> &Status {
        &self.status
    }

    /// Tells the time as passes see it.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The word to stop that passes heed.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Runs one pass over the whole set of manifests. `review` sees the plan before it is carried out, and may refuse it.
    pub async fn pass<'a>(
        &mut self,
        desired: &'a Desired,
        manifests: &ManifestsStatus,
        review: impl FnOnce(&Plan<'a>, &Status) -> Result<(), String>,
    ) -> Result<Pass<'a>, PassError> {
        self.passes += 1;
        tracing::debug!(pass = self.passes, "pass began");
        self.note(manifests).await?;
        // Before the listing: what this pass lists may be older than anything that is read after it, and no window may end
        // by a listing that was begun within it.
        let before = self.clock.now();
        let mut observed = match self.stop.unless(self.cloud.observe(&Ask::Images)).await {
            Ok(Ok(observed)) => observed,
            Ok(Err(error)) => {
                self.status
                    .listing_failed(&error, self.clock.now_in_seconds());
                self.store.save(&self.status).await?;
                return Err(PassError::Observe(error));
            }
            Err(reason) => return Err(PassError::Stopped(reason)),
        };
        let now = Now::new(before, self.clock.now());
        self.know_account(observed.owner()).await?;
        self.status.observe(desired, &observed, now);

        let (cloud, status, settle) = (&self.cloud, &self.status, self.settle);
        let times = (settle, now);
        let planned =
            plan_with_answers(cloud, desired, &mut observed, status, times, &self.stop).await;
        planned.write_conditions(&mut self.status, now.after());
        self.store.save(&self.status).await?;
        review(&planned, &self.status).map_err(PassError::Refused)?;

        let attempts = apply(
            &planned,
            (&self.cloud, &self.gate),
            &mut self.status,
            &mut self.store,
            self.clock,
            &self.stop,
        )
        .await?;

        // By the same listing, so by the time before it; marks and results were written since.
        let now = Now::new(before, self.clock.now());
        let left = plan(desired, &observed, &self.status, self.settle, now);
        left.write_conditions(&mut self.status, now.after());
        self.told.tell(&self.status);
        self.store.save(&self.status).await?;
        Ok(Pass {
            planned,
            attempts,
            left,
        })
    }

    /// Notes what was read from the manifests, for the next save, and makes sure that the files are still repave's own.
    async fn note(&mut self, manifests: &ManifestsStatus) -> Result<(), StoreError> {
        for found in self.store.claim(&self.status).await? {
            tracing::warn!("{found}");
        }
        self.status.manifests.clone_from(manifests);
        Ok(())
    }

    /// Saves what is wrong with the manifests where there is no set of them to run a pass over. What is remembered is about
    /// an earlier set, and goes on saying about which.
    pub(crate) async fn record_problems(
        &mut self,
        problems: Vec<String>,
    ) -> Result<(), StoreError> {
        let manifests = ManifestsStatus {
            problems,
            ..self.status.manifests.clone()
        };
        self.note(&manifests).await?;
        self.store.save(&self.status).await?;
        Ok(())
    }

    /// Gives the right to write the status back.
    pub async fn release(mut self) {
        self.store.release().await;
    }

    /// Takes in whose account was listed. A memory of another account is set aside, not mixed in.
    async fn know_account(&mut self, owner: Option<&str>) -> Result<(), StoreError> {
        let target = Target {
            region: self.status.target.region.clone(),
            account_id: owner
                .map(str::to_owned)
                .or_else(|| self.status.target.account_id.clone()),
            simulated: self.status.target.simulated,
        };
        if self.status.is_foreign_to(&target) {
            let aside = self.store.set_aside().await?;
            tracing::warn!("the status was about another account and was set aside as {aside}");
            let manifests = std::mem::take(&mut self.status.manifests);
            self.status = Status {
                manifests,
                run: self.status.run.take(),
                ..Status::new(target)
            };
        } else {
            self.status.target = target;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use jiff::Timestamp;

    use super::*;
    use crate::model::value::ImageId;
    use crate::plan::samples::desired;
    use crate::simulator::{Account, DirectApi};

    #[tokio::test(start_paused = true)]
    async fn each_pass_has_its_number_and_what_was_asked_for_is_not_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::lock(&folder.path().join("status.json"), "test").unwrap();
        let clock = Clock::following_runtime(Timestamp::UNIX_EPOCH);
        let desired = desired(&["a", "b"]);
        let mut account = Account::default();
        account.ensure_source_id(&ImageId::parse("wsi-gold00000").unwrap(), clock.now());
        let api = DirectApi::new(Arc::new(Mutex::new(account)), clock);
        let (target, settle) = (Target::default(), SignedDuration::from_mins(10));
        let run = crate::state::status::Run {
            id: String::new(),
            url: None,
            host: None,
            pid: 1,
            version: String::new(),
        };
        let cloud = (api, Gate::default());
        let reconciler =
            Reconciler::new(cloud, store, (&target, run), settle, clock, Stop::never());
        let mut reconciler = reconciler.await.unwrap();
        let manifests = ManifestsStatus::default();
        for (number, creates) in [(1, 2), (2, 0), (3, 0)] {
            let pass = reconciler.pass(&desired, &manifests, |_, _| Ok(()));
            assert_eq!(pass.await.unwrap().attempts.len(), creates);
            assert_eq!(reconciler.passes, number);
        }
    }
}
