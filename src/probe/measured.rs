//! A decorator of the cloud that counts calls and records the loop's progress. It changes no result.

use std::sync::Arc;

use super::health::Health;
use crate::cloud::{ApiError, Ask, Cloud, Gate, Operation, Receipt, Step};
use crate::model::image::Observed;

/// The image service, with each finished call counted and recorded as progress. A call that a stop signal interrupts is not
/// counted.
#[derive(Debug)]
pub(crate) struct Measured<C> {
    cloud: C,
    health: Arc<Health>,
}

impl<C> Measured<C> {
    /// Counts the calls to `cloud`.
    pub(crate) fn new(cloud: C, health: Arc<Health>) -> Self {
        Self { cloud, health }
    }

    fn record<T>(&self, operation: Operation, result: &Result<T, ApiError>) {
        self.health.record_progress();
        self.health
            .metrics()
            .call(operation, result.as_ref().map(|_| ()));
    }
}

/// Records progress when the gate opens, so the wait does not count as part of the next call.
pub(crate) fn measured_gate(gate: Gate, health: Arc<Health>) -> Gate {
    Gate::new(move || {
        let (gate, health) = (gate.clone(), Arc::clone(&health));
        async move {
            gate.open().await;
            health.record_progress();
        }
    })
}

impl<C: Cloud + Send + Sync> Cloud for Measured<C> {
    /// Counts as one call, regardless of its pages and the client's retries.
    async fn observe(&self, ask: &Ask) -> Result<Observed, ApiError> {
        let result = self.cloud.observe(ask).await;
        self.record(Operation::DescribeWorkspaceImages, &result);
        result
    }

    async fn perform(&self, step: &Step) -> Result<Receipt, ApiError> {
        let result = self.cloud.perform(step).await;
        self.record(step.operation(), &result);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    use tokio::time::Instant;

    use crate::cloud::CreateImage;
    use crate::model::value::{Description, ImageName, Tags};
    use crate::probe::health::STUCK_AFTER;

    const INTERVAL: Duration = Duration::from_mins(5);
    const SECOND: Duration = Duration::from_secs(1);

    /// A slow service that refuses every create.
    struct Slow(Duration);

    impl Cloud for Slow {
        async fn observe(&self, _: &Ask) -> Result<Observed, ApiError> {
            tokio::time::sleep(self.0).await;
            Ok(Observed::new(Vec::new()))
        }

        async fn perform(&self, step: &Step) -> Result<Receipt, ApiError> {
            tokio::time::sleep(self.0).await;
            let code = Some("ThrottlingException");
            Err(ApiError::answered(step.operation(), code))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_finished_call_is_progress_and_is_counted() {
        let health = Arc::new(Health::new(INTERVAL));
        let cloud = Measured::new(Slow(STUCK_AFTER + SECOND), Arc::clone(&health));
        let step = Step::CreateImage(CreateImage {
            name: ImageName::parse("New").unwrap(),
            description: Description::parse("d").unwrap(),
            source_id: "wsi-000000001".into(),
            tags: Tags::default(),
        });
        let assert_alive = || assert_eq!(health.is_alive(Instant::now()), Ok(()));
        assert!(cloud.observe(&Ask::Images).await.is_ok());
        assert_alive();
        let wait = || tokio::time::sleep(STUCK_AFTER + SECOND);
        measured_gate(Gate::new(wait), Arc::clone(&health))
            .open()
            .await;
        assert_alive();
        assert!(cloud.perform(&step).await.is_err());
        assert_alive();
        let text = health.metrics().text();
        for sample in [
            "op_id=\"DescribeWorkspaceImages\",code=\"OK\"} 1\n",
            "op_id=\"CreateUpdatedWorkspaceImage\",code=\"OK\"} 0\n",
            "op_id=\"CreateUpdatedWorkspaceImage\",code=\"ThrottlingException\"} 1\n",
        ] {
            assert!(text.contains(sample), "{sample}{text}");
        }
    }
}
