//! Asking the person or the model behind the client, the same way in both eras.
//!
//! On 2026-07-28 a question is a result: the handler stops with `input_required`, and when the client calls again with the
//! answers it runs again from its first line, with every answer so far carried in the sealed request state (patterns/mrtr).
//! On a legacy session a question is a request to the client, and the handler waits in place. A handler is written once:
//! it asks, and everything before its last question is either harmless to repeat or done with [`Ask::once`].

mod answer;
mod asker;
mod form;
mod journal;
mod legacy;
mod once;
mod question;
mod round;
mod state;

pub use answer::{Answer, Answers};
pub use asker::Ask;
pub use form::{Form, FormError};
pub use question::Question;
pub use round::Round;
pub(crate) use state::{AskState, Flow, MAX_ANSWERS_BYTES, MAX_RESPONSES, as_ms, now_unix_ms};
