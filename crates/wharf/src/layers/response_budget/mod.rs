//! A bound on what one tool call may answer with: a longer result is cut, and says so.
//!
//! - Text is cut at the end of a line, or of a character where lines are long.
//! - Whatever came after the cut is kept for a while, and the result links to it: see [`crate::results`].
//! - Structured content that no output schema demands is left out; the whole of it is in the pages.
//! - Structured content that an output schema demands must stay valid, or clients that check it would refuse the whole
//!   result. It stays whole where it fits. Otherwise its longest arrays and strings are shortened, as long as the schema
//!   accepts that; its whole is in the pages.
//! - Where the schema accepts nothing shorter, only a failure may lack structured content: the result becomes one that says
//!   that the call was carried out, and where its result is. Calling again would be wrong, and the text says that too.
//!
//! Every cut result carries `truncated` in its `_meta`. Sizes are those of the content, before JSON escapes it.

mod boundary;
mod cut;
mod service;
mod shorten;
#[cfg(test)]
mod tests;

pub(crate) use boundary::text_boundary;
pub(crate) use service::ResponseBudgetLayer;
