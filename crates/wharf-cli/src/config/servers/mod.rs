//! `[servers.<name>]`: which servers run, and how. One file per kind; `KINDS` is their registry.

mod calculator;
mod database;
mod files;
mod named;

#[cfg(test)]
pub(crate) use database::DatabaseUrl;
pub(crate) use database::{Database, DatabaseSource, OneDatabase};
pub(super) use named::{KINDS, read};
pub(crate) use named::{Server, ServerKind};
