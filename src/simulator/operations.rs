//! The five operations: what each does to an account, or why it is refused. What goes wrong with calls is decided before.

use jiff::{SignedDuration, Timestamp};

use crate::model::value::{ImageId, Tags};

use super::account::{Account, CreateRecord, Outcome};
use super::fault::{Fault, Rule};
use super::listing::{self, Position};
use super::stock::{self, Image, State, System};
use super::validate::{self, ValidCreate};
use super::wire::{
    CreateTags, CreateUpdatedImage, DeleteImage, DescribeImages, DescribeTags, Output,
    ServiceError, Tag,
};

impl Account {
    pub(super) fn describe_images(
        &mut self,
        now: Timestamp,
        input: &DescribeImages,
        rule: Option<&Rule>,
    ) -> Outcome {
        let asked = validate::describe_images(input)?;
        let position = if let Some(token) = &asked.token {
            Position::of_token(token, &asked)
                .filter(|position| position.listing <= self.memory.listings)
                .ok_or_else(|| {
                    ServiceError::new("InvalidParameterValuesException", "Invalid NextToken")
                })?
        } else {
            // The first listing counts, so that its pages lack what is created between them; a later one counts only
            // while there are images that earlier ones lack.
            let owned = asked.shared != Some(true);
            let listings = self.memory.listings;
            if owned && (listings == 0 || self.images.values().any(|i| i.hidden_for >= listings)) {
                self.memory.listings += 1;
                self.memory.revision += 1;
            }
            Position {
                listing: self.memory.listings,
                ..Position::default()
            }
        };
        let fault = rule.map(|rule| &rule.fault);
        if fault == Some(&Fault::EmptyPageWithToken {}) {
            let empty_pages = position.empty_pages.saturating_add(1);
            let next = Position {
                empty_pages,
                ..position
            };
            return Ok(Output::Images {
                images: Vec::new(),
                next_token: Some(next.token(&asked)),
            });
        }
        let (mut images, mut next) = listing::page(self, &asked, &position, now);
        if position.stuck || fault == Some(&Fault::RepeatedToken {}) {
            next = Some(Position {
                stuck: true,
                ..position
            });
        }
        let only = rule.and_then(|rule| rule.image_name.as_deref());
        let touched = |name: Option<&str>| only.is_none() || only == name;
        if fault == Some(&Fault::HiddenImages {}) {
            images.retain(|image| !touched(image.name.as_deref()));
        }
        for image in images.iter_mut().filter(|i| touched(i.name.as_deref())) {
            if let Some(Fault::MissingMembers { members }) = fault {
                for member in members {
                    member.remove(image);
                }
            }
            if let Some(Fault::UnknownEnumValue { value }) = fault {
                image.state = Some(value.clone());
            }
        }
        Ok(Output::Images {
            images,
            next_token: next.map(|next| next.token(&asked)),
        })
    }

    /// The order of the checks is assumed, but for one thing: a name that is taken shows whatever state the source is in.
    pub(super) fn create_updated_image(
        &mut self,
        now: Timestamp,
        input: &CreateUpdatedImage,
        fault: Option<&Fault>,
    ) -> Outcome {
        let ValidCreate {
            name,
            description,
            source: source_id,
            tags,
        } = validate::create_updated_image(input)?;
        // An image that is only shared with the account can't be updated before it is copied (assumed).
        let source = self
            .own_image(source_id.as_str())
            .ok_or_else(|| not_found(source_id.as_str()))?;
        if source.operating_system == System::Linux {
            return Err(ServiceError::new(
                "OperationNotSupportedException",
                format!("Image {source_id} is a Linux image; only Windows images can be updated"),
            )
            .with("reason", "UNSUPPORTED_OPERATING_SYSTEM"));
        }
        let taken = self
            .named(&name)
            .any(|(_, image)| image.shared_by.is_none());
        if taken && self.unique_names {
            return Err(ServiceError::new(
                "ResourceAlreadyExistsException",
                format!("An image named {name} already exists"),
            ));
        }
        self.check_source_state(now, &source_id, source)?;
        let owned = self
            .images
            .values()
            .filter(|image| image.shared_by.is_none())
            .count();
        if owned >= usize::try_from(self.image_limit).unwrap_or(usize::MAX) {
            return Err(ServiceError::new(
                "ResourceLimitExceededException",
                format!(
                    "The account owns {owned} images; the quota is {}",
                    self.image_limit
                ),
            ));
        }
        let build_time = if let Some(Fault::LongBuild { by }) = fault {
            *by
        } else {
            self.build_time
        };
        let pending_for = self.age(now).saturating_add(build_time);
        let mut image = Image {
            description: Some(description),
            tenancy: source.tenancy,
            state: State::Pending,
            pending_for: Some(pending_for.max(SignedDuration::ZERO)),
            created: Some(now),
            update_available: Some(false),
            tags,
            hidden_for: self.memory.listings.saturating_add(self.listing_lag),
            source: Some(source_id.clone()),
            ..Image::new(name.clone())
        };
        if let Some(Fault::FailedBuild(error)) = fault {
            image.error_code = Some(error.code.clone());
            image.error_message = Some(error.message.clone());
            image.error_details.clone_from(&error.details);
        }
        let ids = self.memory.ids;
        let (account_id, region) = (&self.account_id, &self.region);
        let image_id = stock::free_id(&self.images, |n| {
            format!("{account_id} {region} created {ids} {n}")
        });
        image.id = Some(image_id.clone());
        self.memory.ids += 1;
        self.images.insert(image_id.clone(), image);
        self.memory.created.push(CreateRecord {
            at: now,
            name,
            image_id: image_id.clone(),
            source_image_id: source_id,
        });
        self.memory.revision += 1;
        Ok(Output::Created {
            image_id: image_id.to_string(),
        })
    }

    fn check_source_state(
        &self,
        now: Timestamp,
        id: &ImageId,
        source: &Image,
    ) -> Result<(), ServiceError> {
        let age = self.age(now);
        let building = self.busy_while_updating
            && self.images.values().any(|image| {
                image.source.as_ref() == Some(id) && image.state(age) == State::Pending
            });
        let busy = source.busy_for.is_some_and(|wait| wait > age);
        let state = match source.state(age) {
            State::Available if building || busy => "busy with another operation",
            State::Available => return Ok(()),
            State::Pending => "PENDING",
            State::Error => "in state ERROR",
        };
        Err(ServiceError::new(
            "InvalidResourceStateException",
            format!("Image {id} is {state}, which is not valid for this operation"),
        ))
    }

    /// The model has no error for an unknown image here; which one the service gives is assumed.
    pub(super) fn delete_image(&mut self, now: Timestamp, input: &DeleteImage) -> Outcome {
        let id = validate::image_id("imageId", input.image_id.as_deref())?;
        let image = self
            .own_image(id.as_str())
            .ok_or_else(|| not_found(id.as_str()))?;
        if image.state(self.age(now)) == State::Pending {
            return Err(ServiceError::new(
                "InvalidResourceStateException",
                format!("Image {id} is PENDING, which is not valid for this operation"),
            ));
        }
        self.delete_by_hand(&id);
        Ok(Output::Empty {})
    }

    pub(super) fn create_tags(&mut self, input: &CreateTags) -> Outcome {
        let id = validate::resource_id(input.resource_id.as_deref())?;
        let tags = validate::required_tags(input.tags.as_deref())?;
        let image = self
            .images
            .iter_mut()
            .find(|(known, image)| known.as_str() == id && image.shared_by.is_none())
            .map(|(_, image)| image)
            .ok_or_else(|| not_found(id))?;
        let mut all = image.tags.clone();
        all.extend(tags);
        if all.len() > Tags::MAX {
            return Err(ServiceError::new(
                "ResourceLimitExceededException",
                format!(
                    "{} tags; a resource may have at most {}",
                    all.len(),
                    Tags::MAX
                ),
            ));
        }
        if all != image.tags {
            image.tags = all;
            self.memory.revision += 1;
        }
        Ok(Output::Empty {})
    }

    pub(super) fn describe_tags(&self, input: &DescribeTags) -> Outcome {
        let id = validate::resource_id(input.resource_id.as_deref())?;
        let image = self.own_image(id).ok_or_else(|| not_found(id))?;
        let tag_list = image.tags.iter().map(|(key, value)| Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        });
        Ok(Output::Tags {
            tag_list: tag_list.collect(),
        })
    }

    pub(super) fn own_image(&self, id: &str) -> Option<&Image> {
        let (_, image) = self.images.iter().find(|(known, _)| known.as_str() == id)?;
        Some(image).filter(|image| image.shared_by.is_none())
    }
}

fn not_found(id: &str) -> ServiceError {
    ServiceError::new(
        "ResourceNotFoundException",
        format!("Image {id} was not found"),
    )
    .with("ResourceId", id)
}
