//! The decorator of the cloud that counts its calls and notes that the loop moved. It changes no answer.

use std::sync::Arc;

use super::health::Health;
use crate::cloud::{ApiError, CreateRequest, ImageApi, Operation};
use crate::model::image::Observed;

/// The image service, with each call counted, and its end told as a move of the loop. A call that is given up halfway,
/// at the word to stop, has no end and is not counted.
#[derive(Debug)]
pub struct Measured<A> {
    api: A,
    health: Arc<Health>,
}

impl<A> Measured<A> {
    /// Counts the calls of `api`.
    pub fn new(api: A, health: Arc<Health>) -> Self {
        Self { api, health }
    }

    fn ended<T>(&self, operation: Operation, result: &Result<T, ApiError>) {
        self.health.moved();
        self.health
            .metrics()
            .call(operation, result.as_ref().map(|_| ()));
    }
}

impl<A: ImageApi + Send + Sync> ImageApi for Measured<A> {
    /// Counts as one request, however many pages it reads and however often the client tries again below.
    async fn list_images(&self) -> Result<Observed, ApiError> {
        let result = self.api.list_images().await;
        self.ended(Operation::DescribeWorkspaceImages, &result);
        result
    }

    /// Counts as no call.
    async fn ready(&self) {
        self.api.ready().await;
        self.health.moved();
    }

    async fn create_updated_image(&self, request: &CreateRequest) -> Result<String, ApiError> {
        let result = self.api.create_updated_image(request).await;
        self.ended(Operation::CreateUpdatedWorkspaceImage, &result);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    use tokio::time::Instant;

    use crate::cloud::{Delivery, Failure};
    use crate::model::value::{Description, ImageName, Tags};
    use crate::probe::health::STUCK_AFTER;

    const INTERVAL: Duration = Duration::from_mins(5);
    const SECOND: Duration = Duration::from_secs(1);

    /// A service that takes its time, and refuses every create.
    struct Slow(Duration);

    impl ImageApi for Slow {
        async fn list_images(&self) -> Result<Observed, ApiError> {
            tokio::time::sleep(self.0).await;
            Ok(Observed::new(Vec::new()))
        }

        async fn ready(&self) {
            tokio::time::sleep(self.0).await;
        }

        async fn create_updated_image(&self, _: &CreateRequest) -> Result<String, ApiError> {
            tokio::time::sleep(self.0).await;
            let failure = Failure {
                delivery: Delivery::Answered(400),
                code: Some("ThrottlingException".into()),
                message: "no".into(),
                service_reason: None,
                request_id: None,
            };
            let operation = Operation::CreateUpdatedWorkspaceImage;
            Err(ApiError::new(operation, failure))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_end_of_a_call_is_a_move_and_is_counted() {
        let health = Arc::new(Health::new(INTERVAL));
        let api = Measured::new(Slow(STUCK_AFTER + SECOND), Arc::clone(&health));
        let request = CreateRequest {
            name: ImageName::parse("New").unwrap(),
            description: Description::parse("d").unwrap(),
            source_id: "wsi-000000001".into(),
            tags: Tags::default(),
        };
        let assert_alive = || assert_eq!(health.is_alive(Instant::now()), Ok(()));
        assert!(api.list_images().await.is_ok());
        assert_alive();
        api.ready().await;
        assert_alive();
        assert!(api.create_updated_image(&request).await.is_err());
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
