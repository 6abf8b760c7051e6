//! `[servers.<name>]`: which servers run, and how. One file per kind; `KINDS` is their registry. What may be said of every
//! kind, limits and tools, is in sections below it.

mod calculator;
mod database;
mod files;
mod named;
mod tools;

pub(crate) use database::{Database, DatabaseSource, DatabaseUrl, OneDatabase};
pub(super) use named::{KINDS, OF_EACH, read};
pub(crate) use named::{Server, ServerKind};
