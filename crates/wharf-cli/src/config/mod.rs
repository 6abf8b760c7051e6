//! The configuration: `wharf.toml`, the environment, and what they mean.
//!
//! A file is parsed with the places of its values kept, read section by section against tables of keys, and becomes
//! [`Settings`] of plain types, or one report of everything that is wrong. The same tables make the manual and the schema.
//! Refuses unknown keys; starts nothing and opens no file but the configuration and its `file:` secrets.

mod asked;
mod auth;
mod environment;
mod field;
mod http;
mod kind;
mod limits;
mod load;
mod logging;
mod manual;
mod mask;
mod metrics;
mod rate_limits;
mod reader;
mod report;
mod schema;
mod servers;
mod sessions;
mod settings;
mod state;
mod units;
mod value;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use asked::{Asked, ServerOption, server_options};
pub(crate) use auth::Auth;
pub(crate) use limits::Limits;
pub(crate) use load::load;
pub(crate) use logging::{Level, LogFormat, Logging};
pub(crate) use manual::manual;
pub(crate) use rate_limits::RateLimits;
pub(crate) use report::ConfigError;
pub(crate) use schema::schema;
pub(crate) use servers::{Database, DatabaseSource, DatabaseUrl, OneDatabase, Server, ServerKind};
pub(crate) use settings::Settings;
pub(crate) use state::State;
