//! What the loader accepts, and what it says about the rest, word for word.

mod accepted;
mod asked;
mod files;
mod overrides;
mod refused;
mod reports;
mod secrets;

use std::path::Path;

use super::{Asked, ConfigError, Settings, load::check};

/// Loads a text as `wharf.toml` of the working directory.
pub(crate) fn load_text(toml: &str, variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    check("wharf.toml", toml, Path::new(""), variables, &Asked::default())
}
