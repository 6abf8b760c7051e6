//! The first boundary: what a statement may be, judged from its text and from the catalogue, before it runs.
//!
//! 1. [`lexer`] splits the text exactly as the server does.
//! 2. [`statement`] demands one statement that reads, refuses the words and forms that do more, and notes every relation
//!    and every function it uses. What is sent is written anew from the tokens, without comments.
//! 3. [`relations`] asks the catalogue about what was noted: views and stored functions are followed by the same rules;
//!    tables that reach other servers and tables of credentials are refused.
//!
//! A statement that changes rows is judged by [`change`] in place of 2, and what it touches by [`written`] besides.
//!
//! It fails closed: what is not understood, not known or cannot be looked at is refused with what to do instead.
//! The second boundary, the read-only transaction, stands around whatever reads.

mod calls;
pub(super) mod change;
#[cfg(test)]
mod change_tests;
pub(super) mod functions;
pub(super) mod lexer;
#[cfg(test)]
mod lexer_tests;
pub(super) mod relations;
mod routines;
mod scan;
mod secrets;
mod shape;
pub(super) mod statement;
#[cfg(test)]
mod tests;
mod write;
pub(super) mod written;

pub(super) use change::{Change, Count, judge_change};
pub(super) use relations::Policy;
pub(super) use secrets::is_secret_variable;
pub(super) use shape::Shape;
pub(super) use statement::{Statement, check_text, judge};
pub(super) use written::check_change;
