//! Authorization: what a caller holds, what a target asks for, and whether the one covers the other.
//!
//! Operators write patterns ([`Grants`]), authors declare scopes ([`Scope`]); a [`Target`] is what somebody wants to use.
//! Everything is decided in [`Grants::check`], without allocation and in time linear in the texts, because it runs for
//! every call and for every entry of every list. It refuses to guess: a pattern that nobody can have meant is an error.

mod glob;
mod grants;
mod name;
mod pattern;
mod target;

pub use grants::Grants;
pub use name::{Scope, ScopeError};
pub use pattern::PatternError;
pub use target::{Refusal, Target, TargetKind};
