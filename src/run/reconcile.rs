//! One pass: observe, plan, apply, record. When a pass runs, and how often, is decided elsewhere.

use jiff::SignedDuration;

use crate::cloud::{ApiError, ImageApi};
use crate::model::image::Desired;
use crate::model::target::Target;
use crate::plan::Attempt;
use crate::plan::{Plan, plan};
use crate::run::apply::apply;
use crate::run::changes::Told;
use crate::state::file::{Store, StoreError};
use crate::state::status::{ManifestsStatus, Status};
use crate::sys::clock::{Clock, Now};
use crate::sys::stop::{Stop, StopReason};

/// What passes need beside the manifests, and what lasts from one to the next.
#[derive(Debug)]
pub struct Reconciler<A> {
    api: A,
    store: Store,
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

impl<A: ImageApi> Reconciler<A> {
    /// Loads the memory of the target from the store.
    pub fn new(
        api: A,
        mut store: Store,
        target: &Target,
        settle: SignedDuration,
        clock: Clock,
        stop: Stop,
    ) -> Result<Self, StoreError> {
        let (status, warning) = store.load(target)?;
        if let Some(warning) = warning {
            tracing::warn!("{warning}");
        }
        Ok(Self {
            api,
            store,
            told: Told::by(&status),
            status,
            settle,
            clock,
            stop,
            passes: 0,
        })
    }

    /// What is remembered.
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
        review: impl FnOnce(&Plan<'a>) -> Result<(), String>,
    ) -> Result<Pass<'a>, PassError> {
        self.passes += 1;
        tracing::debug!(pass = self.passes, "pass began");
        self.note(manifests)?;
        // Before the listing: what this pass lists may be older than anything that is read after it, and no window may end
        // by a listing that was begun within it.
        let before = self.clock.now();
        let observed = match self.stop.unless(self.api.list_images()).await {
            Ok(Ok(observed)) => observed,
            Ok(Err(error)) => {
                self.status
                    .listing_failed(&error, self.clock.now_in_seconds());
                self.store.save(&self.status)?;
                return Err(PassError::Observe(error));
            }
            Err(reason) => return Err(PassError::Stopped(reason)),
        };
        let now = Now::new(before, self.clock.now());
        self.know_account(observed.owner())?;
        self.status.observe(desired, &observed, now);

        let planned = plan(desired, &observed, &self.status, self.settle, now);
        planned.describe(&mut self.status, now.after());
        self.store.save(&self.status)?;
        review(&planned).map_err(PassError::Refused)?;

        let attempts = apply(
            &planned,
            &self.api,
            &mut self.status,
            &mut self.store,
            self.clock,
            &self.stop,
        )
        .await?;

        // By the same listing, so by the time before it; marks and results were written since.
        let now = Now::new(before, self.clock.now());
        let left = plan(desired, &observed, &self.status, self.settle, now);
        left.describe(&mut self.status, now.after());
        self.told.tell(&self.status);
        self.store.save(&self.status)?;
        Ok(Pass {
            planned,
            attempts,
            left,
        })
    }

    /// Notes what was read from the manifests, for the next save, and makes sure that the files are still repave's own.
    fn note(&mut self, manifests: &ManifestsStatus) -> Result<(), StoreError> {
        for found in self.store.hold(&self.status)? {
            tracing::warn!("{found}");
        }
        self.status.manifests.clone_from(manifests);
        Ok(())
    }

    /// Saves what is wrong with the manifests where there is no set of them to run a pass over. What is remembered is about
    /// an earlier set, and goes on saying about which.
    pub fn record_problems(&mut self, problems: Vec<String>) -> Result<(), StoreError> {
        let manifests = ManifestsStatus {
            problems,
            ..self.status.manifests.clone()
        };
        self.note(&manifests)?;
        self.store.save(&self.status)?;
        Ok(())
    }

    /// Takes in whose account was listed. A memory of another account is set aside, not mixed in.
    fn know_account(&mut self, owner: Option<&str>) -> Result<(), StoreError> {
        let target = Target {
            region: self.status.target.region.clone(),
            account_id: owner
                .map(str::to_owned)
                .or_else(|| self.status.target.account_id.clone()),
            simulated: self.status.target.simulated,
        };
        if self.status.is_foreign_to(&target) {
            let aside = self.store.set_aside()?;
            tracing::warn!("the status was about another account and was set aside as {aside}");
            let manifests = std::mem::take(&mut self.status.manifests);
            self.status = Status {
                manifests,
                ..Status::new(target)
            };
        } else {
            self.status.target = target;
        }
        Ok(())
    }
}
