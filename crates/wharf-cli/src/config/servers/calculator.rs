//! `kind = "calculator"`: nothing to configure.

use crate::config::field::Section;

use super::named::{KIND, NAMED};

pub(super) const SECTION: Section = Section {
    path: NAMED,
    kind: Some("calculator"),
    text: "With `kind = \"calculator\"`: evaluates mathematical expressions.",
    fields: &[&KIND],
    below: &[],
};
