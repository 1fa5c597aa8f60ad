//! `repave schema`: prints the JSON Schema of the manifests.

use super::document;
use super::screen::Screen;
use crate::manifest::schema;
use crate::model::outcome::Outcome;

pub(super) fn run(screen: &mut Screen<'_>) -> Result<Outcome, Outcome> {
    document::print(screen, schema::text().map_err(Into::into))
}
