//! One pass: observe, plan, apply, record. The callers decide when a pass runs.

use jiff::SignedDuration;

use crate::cloud::{ApiError, Ask, Cloud, Gate};
use crate::model::image::Desired;
use crate::model::target::Target;
use crate::plan::Attempt;
use crate::plan::{Plan, plan};

use super::apply::apply;
use super::questions::plan_with_answers;
use crate::run::changes::ChangeLog;
use crate::state::file::FileStore;
use crate::state::status::{ManifestsStatus, Run, Status};
use crate::state::store::{Loaded, Store, StoreError};
use crate::sys::clock::{Clock, Now};
use crate::sys::stop::{Stop, StopReason};

/// What passes need besides the manifests, and what they keep for the next pass.
#[derive(Debug)]
pub struct Reconciler<C, S = FileStore> {
    cloud: C,
    gate: Gate,
    store: S,
    status: Status,
    settle: SignedDuration,
    clock: Clock,
    stop: Stop,
    change_log: ChangeLog,
    passes: u64,
}

/// A successful pass.
#[derive(Debug)]
pub struct Pass<'a> {
    /// The plan before the attempts.
    pub planned: Plan<'a>,
    /// The attempts, each with its result.
    pub attempts: Vec<Attempt<'a>>,
    /// The plan after the attempts, from the same listing.
    pub left: Plan<'a>,
}

/// Why a pass failed.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The account could not be listed, so there is no plan.
    #[error(transparent)]
    Observe(#[from] ApiError),
    /// The status could not be saved, so no further step began.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The plan was refused, so nothing was created.
    #[error("refused: {0}")]
    Refused(String),
    /// The process was asked to stop.
    #[error("stopped")]
    Stopped(StopReason),
}

impl<C: Cloud, S: Store> Reconciler<C, S> {
    /// Loads the target's status from the store.
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
        status.target.credentials.clone_from(&target.credentials);
        if let Some(warning) = warning {
            tracing::warn!("{warning}");
        }
        Ok(Self {
            cloud,
            gate,
            store,
            change_log: ChangeLog::of(&status),
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

    pub fn clock(&self) -> Clock {
        self.clock
    }

    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Runs one pass over all manifests. `review` is called with the plan before the first step, and may refuse the plan.
    pub async fn pass<'a>(
        &mut self,
        desired: &'a Desired,
        manifests: &ManifestsStatus,
        review: impl FnOnce(&Plan<'a>, &Status) -> Result<(), String>,
    ) -> Result<Pass<'a>, PassError> {
        self.passes += 1;
        tracing::debug!(pass = self.passes, "pass began");
        self.record_manifests(manifests).await?;
        // Read the clock before the listing: the listing may be older than anything read after it, and a settle window must
        // end before the listing that ends it begins.
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
        self.record_account(observed.owner()).await?;
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

        // The same listing, so the same time before it; marks and results were written since then.
        let now = Now::new(before, self.clock.now());
        let left = plan(desired, &observed, &self.status, self.settle, now);
        left.write_conditions(&mut self.status, now.after());
        self.change_log.log_changes(&self.status);
        self.store.save(&self.status).await?;
        Ok(Pass {
            planned,
            attempts,
            left,
        })
    }

    /// Checks that this process still holds the status file, and records the manifests for the next save.
    async fn record_manifests(&mut self, manifests: &ManifestsStatus) -> Result<(), StoreError> {
        for found in self.store.claim(&self.status).await? {
            tracing::warn!("{found}");
        }
        self.status.manifests.clone_from(manifests);
        Ok(())
    }

    /// Saves why the current manifests are not used, without a pass. The revision and digest in the status stay those of the
    /// last valid set.
    pub(crate) async fn record_unused(
        &mut self,
        manifests: ManifestsStatus,
    ) -> Result<(), StoreError> {
        let manifests = ManifestsStatus {
            held_back: manifests.held_back,
            problems: manifests.problems,
            ..self.status.manifests.clone()
        };
        self.record_manifests(&manifests).await?;
        self.store.save(&self.status).await?;
        Ok(())
    }

    /// Gives up the claim on the status.
    pub async fn release(mut self) {
        self.store.release().await;
    }

    /// Records which account was listed. The status of another account is set aside.
    async fn record_account(&mut self, owner: Option<&str>) -> Result<(), StoreError> {
        let target = Target {
            account_id: owner
                .map(str::to_owned)
                .or_else(|| self.status.target.account_id.clone()),
            ..self.status.target.clone()
        };
        if self.status.is_foreign_to(&target) {
            let aside = self.store.set_aside().await?;
            tracing::warn!(
                "the status file belonged to another account, so it was set aside as {aside}"
            );
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
    async fn each_pass_has_a_number_and_no_create_is_sent_twice() {
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
