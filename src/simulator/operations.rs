//! The five operations: what each does to an account, or why it is refused. What goes wrong with calls is decided before.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::model::image::ImageState;
use crate::model::value::{ImageId, Tags};

use super::account::{Account, CreateRecord, Outcome};
use super::fault::{Fault, Rule};
use super::listing::{self, Position};
use super::settings::Settings;
use super::stock::{Image, Moment, Update, later};
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
                .filter(|position| position.listing <= self.listings)
                .ok_or_else(|| {
                    ServiceError::new("InvalidParameterValuesException", "Invalid NextToken")
                })?
        } else {
            // A new listing is worth counting only while there are images that earlier ones lack.
            let owned = asked.shared != Some(true);
            if owned && self.images.values().any(|i| i.listed_from > self.listings) {
                self.listings += 1;
                self.revision += 1;
            }
            Position {
                listing: self.listings,
                ..Position::default()
            }
        };
        let fault = rule.map(|rule| &rule.fault);
        if fault == Some(&Fault::EmptyPageWithToken) {
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
        let (mut images, mut next) =
            listing::page(&self.images, &self.settings, &asked, &position, now);
        if position.stuck || fault == Some(&Fault::RepeatedToken) {
            next = Some(Position {
                stuck: true,
                ..position
            });
        }
        let only = rule.and_then(|rule| rule.image_name.as_deref());
        let touched = |name: Option<&str>| only.is_none() || only == name;
        if fault == Some(&Fault::HiddenImages) {
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
        if source.linux {
            return Err(ServiceError::new(
                "OperationNotSupportedException",
                format!("Image {source_id} is a Linux image; only Windows images can be updated"),
            )
            .with("reason", "UNSUPPORTED_OPERATING_SYSTEM"));
        }
        let taken = self
            .named(&name)
            .any(|(_, image)| image.shared_by.is_none());
        if taken && self.settings.unique_names {
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
        if owned >= usize::try_from(self.settings.image_limit).unwrap_or(usize::MAX) {
            return Err(ServiceError::new(
                "ResourceLimitExceededException",
                format!(
                    "The account owns {owned} images; the quota is {}",
                    self.settings.image_limit
                ),
            ));
        }
        let build_time = if let Some(Fault::LongBuild { by }) = fault {
            *by
        } else {
            self.settings.build_time
        };
        let build_error = if let Some(Fault::FailedBuild(error)) = fault {
            Some(error.clone())
        } else {
            None
        };
        let image = Image {
            description: Some(description),
            tenancy: source.tenancy,
            created: Moment::At(now),
            build_ends: Moment::At(later(now, build_time)),
            build_error,
            update: Some(Update::default()),
            tags,
            listed_from: self
                .listings
                .saturating_add(1)
                .saturating_add(self.settings.listing_lag),
            source: Some(source_id.clone()),
            ..Image::new(name.clone())
        };
        let ids = self.ids;
        let image_id = self.free_id(|n| format!("created {ids} {n}"));
        self.ids += 1;
        self.images.insert(image_id.clone(), image);
        self.created.push(CreateRecord {
            at: now,
            name,
            image_id: image_id.clone(),
            source_image_id: source_id,
        });
        self.revision += 1;
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
        let building = self.settings.busy_while_updating
            && self.images.values().any(|image| {
                image.source.as_ref() == Some(id) && image.state(now) == ImageState::Pending
            });
        let busy = source.busy_until.is_some_and(|until| !until.has_come(now));
        let state = match source.state(now) {
            ImageState::Available if building || busy => "busy with another operation",
            ImageState::Available => return Ok(()),
            ImageState::Pending => "PENDING",
            ImageState::Error => "in state ERROR",
            ImageState::Unknown(_) => "in an unknown state",
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
        if image.state(now) == ImageState::Pending {
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
            self.revision += 1;
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

    /// The first free id of those made from the texts that are given for 0, 1, 2, ...
    pub(super) fn free_id(&self, text: impl Fn(u64) -> String) -> ImageId {
        let Settings {
            account_id, region, ..
        } = &self.settings;
        let mut n = 0;
        loop {
            let hash = Sha256::digest(format!("{account_id} {region} {}", text(n)));
            let digits = listing::hex(hash.get(..6).unwrap_or_default());
            // Twelve hexadecimal digits are always an id, so the loop ends at the first one that is free.
            if let Ok(id) = ImageId::parse(format!("wsi-{digits}"))
                && !self.images.contains_key(&id)
            {
                return id;
            }
            n += 1;
        }
    }
}

fn not_found(id: &str) -> ServiceError {
    ServiceError::new(
        "ResourceNotFoundException",
        format!("Image {id} was not found"),
    )
    .with("ResourceId", id)
}
