//! Keys as data: one table per section drives reading, the manual and the schema, so that they can't disagree.

use std::path::Path;

use super::{
    kind::{Facts, Kind},
    reader::Reader,
};

/// A section of the file, `[http]`.
#[derive(Clone, Copy)]
pub(super) struct Section {
    /// Its path; a name that the operator chooses is `<name>`.
    pub(super) path: &'static str,
    /// What `kind` must be, where the keys depend on it.
    pub(super) kind: Option<&'static str>,
    pub(super) text: &'static str,
    pub(super) fields: &'static [&'static dyn Describe],
    /// Sections inside of it, whose names the operator chooses: `databases` for a path that ends in `databases.<name>`.
    pub(super) below: &'static [&'static Section],
}

impl Section {
    /// As a message names it.
    pub(super) fn title(&self) -> String {
        match self.kind {
            Some(kind) => format!("[{}] with kind = \"{kind}\"", self.path),
            None => format!("[{}]", self.path),
        }
    }

    /// The key under which a section inside of another one stands: the last part of its path that is no chosen name.
    pub(super) fn parent_key(&self) -> &'static str {
        self.path.rsplit('.').find(|part| !part.starts_with('<')).unwrap_or_default()
    }

    /// The keys of the sections inside of it.
    pub(super) fn keys_below(&self) -> impl Iterator<Item = &'static str> + use<> {
        let below = self.below;
        below.iter().map(|section| section.parent_key())
    }

    /// The section of the same name that stands in for what this one does not say.
    pub(super) fn outer(&self) -> Option<&'static str> {
        self.path.strip_prefix("servers.<name>.").filter(|name| !name.contains('.'))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> + use<> {
        let fields = self.fields;
        fields.iter().map(|field| field.key())
    }
}

/// How many values a key has, and what it is without any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One, with this default.
    One(&'static str),
    /// One, which must be written.
    Required,
    /// One or none.
    Optional,
    /// Any number.
    List,
    /// Any number; without the key, these.
    ListOr(&'static [&'static str]),
}

impl Shape {
    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::List | Self::ListOr(_))
    }
}

/// What manual and schema need to know about a key.
pub(super) trait Describe: Sync {
    fn key(&self) -> &'static str;
    fn text(&self) -> &'static str;
    fn shape(&self) -> Shape;
    fn facts(&self) -> &Facts;
}

/// A key that can be read.
pub(super) trait Field: Describe {
    type Value;
    fn read(&self, reader: &mut Reader<'_, '_>) -> Self::Value;
}

/// A key with a default.
pub(super) struct Setting<T: 'static> {
    pub(super) key: &'static str,
    pub(super) kind: Kind<T>,
    /// As it would stand in the environment.
    pub(super) default: &'static str,
    pub(super) text: &'static str,
}

/// A key without a default that has to be there.
pub(super) struct Required<T: 'static> {
    pub(super) key: &'static str,
    pub(super) kind: Kind<T>,
    pub(super) text: &'static str,
}

/// A key that may be absent.
pub(super) struct Optional<T: 'static> {
    pub(super) key: &'static str,
    pub(super) kind: Kind<T>,
    pub(super) text: &'static str,
}

/// A key with a list, empty by default.
pub(super) struct List<T: 'static> {
    pub(super) key: &'static str,
    pub(super) kind: Kind<T>,
    pub(super) text: &'static str,
}

/// A key with a list that is not empty by default.
pub(super) struct ListOr<T: 'static> {
    pub(super) key: &'static str,
    pub(super) kind: Kind<T>,
    /// As they would stand in the environment.
    pub(super) default: &'static [&'static str],
    pub(super) text: &'static str,
}

/// The parts of `Describe` that are the same for all.
macro_rules! describe {
    ($type:ident, $this:ident => $shape:expr) => {
        impl<T> Describe for $type<T> {
            fn key(&self) -> &'static str {
                self.key
            }
            fn text(&self) -> &'static str {
                self.text
            }
            fn shape(&self) -> Shape {
                let $this = self;
                $shape
            }
            fn facts(&self) -> &Facts {
                &self.kind.facts
            }
        }
    };
}

describe!(Setting, this => Shape::One(this.default));
describe!(Required, _this => Shape::Required);
describe!(Optional, _this => Shape::Optional);
describe!(List, _this => Shape::List);
describe!(ListOr, this => Shape::ListOr(this.default));

impl<T> Setting<T> {
    /// The value without anything given.
    #[expect(clippy::expect_used, reason = "a default is data of this crate, not input")]
    pub(super) fn default_value(&self) -> T {
        let default = (self.kind.parse)(&self.kind.facts, self.default, Path::new(""));
        // The tests read every default of every table.
        default.expect("every default is accepted by its own kind")
    }
}

impl<T> Field for Setting<T> {
    type Value = T;

    fn read(&self, reader: &mut Reader<'_, '_>) -> T {
        // A value that was refused is a problem by now, so what stands in for it is never used.
        reader.one(self, &self.kind).unwrap_or_else(|| self.default_value())
    }
}

impl<T> Field for Required<T> {
    /// None after a problem has been told.
    type Value = Option<T>;

    fn read(&self, reader: &mut Reader<'_, '_>) -> Option<T> {
        if !reader.has(self) {
            reader.missing(self);
        }
        reader.one(self, &self.kind)
    }
}

impl<T> Field for Optional<T> {
    type Value = Option<T>;

    fn read(&self, reader: &mut Reader<'_, '_>) -> Option<T> {
        reader.one(self, &self.kind)
    }
}

impl<T> Field for List<T> {
    type Value = Vec<T>;

    fn read(&self, reader: &mut Reader<'_, '_>) -> Vec<T> {
        reader.many(self, &self.kind)
    }
}

impl<T> ListOr<T> {
    #[expect(clippy::expect_used, reason = "a default is data of this crate, not input")]
    fn default_value(&self) -> Vec<T> {
        let read = |text: &&str| (self.kind.parse)(&self.kind.facts, text, Path::new(""));
        // The tests read every default of every table.
        let values: Result<_, _> = self.default.iter().map(read).collect();
        values.expect("every default is accepted by its own kind")
    }
}

impl<T> Field for ListOr<T> {
    type Value = Vec<T>;

    fn read(&self, reader: &mut Reader<'_, '_>) -> Vec<T> {
        // An empty list that was written is one: it takes the default away.
        if reader.has(self) { reader.many(self, &self.kind) } else { self.default_value() }
    }
}
