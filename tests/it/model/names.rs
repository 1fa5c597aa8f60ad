//! What is declared in the model: up to two names, each in two generations.

use repave::model::image::{Desired, DesiredImage, Source};
use repave::model::target::Target;
use repave::model::value::ImageName;

use crate::world::want;

/// The most names that are declared.
pub const NAMES: usize = 2;

const LETTERS: [&str; NAMES] = ["a", "b"];

/// Which manifests there are: how many names, and what was done to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Declared {
    /// How many.
    pub names: u8,
    /// The second is made from the first.
    pub chain: bool,
    /// What the manifest of the first name has become.
    pub first: First,
}

/// What became of the first name's manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum First {
    /// As it was.
    Original,
    /// Another digest.
    Changed,
    /// No such manifest.
    Withdrawn,
}

impl Declared {
    /// Tells whether the name is declared.
    pub fn has(self, name: usize) -> bool {
        name < usize::from(self.names) && (name > 0 || self.first != First::Withdrawn)
    }

    /// The set of manifests.
    pub fn desired(self) -> Desired {
        let images = (0..NAMES).filter(|name| self.has(*name)).map(|name| {
            let changed = name == 0 && self.first == First::Changed;
            declared(name, u8::from(changed), self.chain)
        });
        Desired::new(images.collect()).unwrap()
    }
}

/// The manifest of a name.
pub fn declared(name: usize, generation: u8, chain: bool) -> DesiredImage {
    let manifest = want(LETTERS[name]);
    DesiredImage {
        source: if chain && name > 0 {
            Source::ImageName(ImageName::parse(LETTERS[0]).unwrap())
        } else {
            manifest.source.clone()
        },
        digest: format!("sha256:{generation}"),
        ..manifest
    }
}

/// The text of a name.
pub fn text_of(name: usize) -> &'static str {
    LETTERS[name]
}

/// The name with this text.
pub fn name_of(text: &str) -> usize {
    LETTERS.iter().position(|letter| *letter == text).unwrap()
}

/// Whose images these are.
pub fn target() -> Target {
    Target {
        region: "eu-west-1".into(),
        account_id: Some("111122223333".into()),
        simulated: false,
        credentials: None,
    }
}
