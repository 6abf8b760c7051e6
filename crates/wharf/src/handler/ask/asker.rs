//! The extractor with which a handler asks.

use std::time::Duration;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    answer::{Answer, Answers},
    form::Form,
    question::Question,
    round::Round,
};
use crate::{
    capability::ClientCapability,
    context::Context,
    error::ToolError,
    handler::extract::{FromCall, Invocation},
};

/// Asks the client's person or model, in either era.
///
/// Each question has a key that names it within its call and must be the same each time the handler runs. On 2026-07-28
/// the handler runs again from its first line once the client has answered, so what comes before a question must be
/// harmless to repeat; what is not belongs into [`Ask::once`].
///
/// ```
/// use wharf::{Answer, Ask, Tool, ToolError};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Booking {
///     /// How many seats
///     #[schemars(range(min = 1, max = 8))]
///     seats: u8,
///     /// Where to send the tickets
///     #[schemars(extend("format" = "email"))]
///     email: String,
/// }
///
/// async fn book(ask: Ask) -> Result<String, ToolError> {
///     let booking = match ask.form::<Booking>("booking", "What should be booked?").await? {
///         Answer::Accepted(booking) => booking,
///         _ => return Ok("Nothing was booked.".into()),
///     };
///     let number = ask.once("book", reserve(booking.seats)).await?;
///     let classes = [("1", "First class"), ("2", "Second class")];
///     let class = ask.choose("class", "Which class?", &classes).await?.accept()?;
///     Ok(format!("Booking {number} in class {class}, sent to {}", booking.email))
/// }
///
/// async fn reserve(seats: u8) -> Result<u32, ToolError> {
///     Ok(1000 + u32::from(seats))
/// }
///
/// let tool = Tool::new("book").asks::<Booking>().handler(book);
/// # drop(tool);
/// ```
#[derive(Debug, Clone)]
pub struct Ask(pub(super) Context);

impl FromCall for Ask {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        Ok(Self(Context::clone(&invocation.context)))
    }
}

impl Ask {
    /// Longest wait for an answer on a legacy session; the call's own deadline stands still meanwhile.
    pub const MAX_WAIT: Duration = Duration::from_secs(10 * 60);

    /// Whether the client declared that it can be asked this way.
    pub fn supports(&self, capability: ClientCapability) -> bool {
        self.0.peer.supports(capability)
    }

    /// Shows a form with the fields of `T`: a flat struct of strings, numbers, booleans, enums without data, and lists of
    /// such enums, each of them possibly an `Option` (specification, client/elicitation). Doc comments become
    /// descriptions. Never ask for secrets this way; use [`Ask::url`].
    ///
    /// A type that does not fit is INTERNAL_ERROR when it is asked for; declare it with
    /// [`ToolBuilder::asks`](crate::ToolBuilder::asks) to learn it when the server is built.
    ///
    /// # Errors
    /// When the client can't show forms, does not answer in time, or answers with something else than an answer.
    pub fn form<T>(&self, key: &str, message: impl Into<String>) -> Question<Answer<T>>
    where
        T: DeserializeOwned + JsonSchema + Send + 'static,
    {
        Question::new(self.round().form::<T>(key, message), key, Answers::form::<T>)
    }

    /// Shows a form that is described by a schema of your own.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use wharf::{Ask, Form, ToolError};
    /// # async fn ask_it(ask: Ask) -> Result<(), ToolError> {
    /// let schema = json!({"type": "object", "properties": {"age": {"type": "integer"}}});
    /// let answer = ask.form_with("age", Form::new("How old are you?", schema)).await?;
    /// let age = answer.accept()?["age"].as_u64();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Ask::form`].
    pub fn form_with(&self, key: &str, form: Form) -> Question<Answer> {
        Question::new(self.round().form_with(key, form), key, Answers::answer)
    }

    /// Lets the person choose one of `choices`, given as value and title; gives the value.
    ///
    /// # Errors
    /// As [`Ask::form`].
    pub fn choose(
        &self,
        key: &str,
        message: impl Into<String>,
        choices: &[(&str, &str)],
    ) -> Question<Answer<String>> {
        Question::new(self.round().choose(key, message, choices), key, Answers::choice)
    }

    /// Asks for yes or no. Only [`Answer::is_yes`] is consent: a person can also submit "no", decline, or close the
    /// question.
    ///
    /// # Errors
    /// As [`Ask::form`].
    pub fn confirm(&self, key: &str, message: impl Into<String>) -> Question<Answer<bool>> {
        Question::new(self.round().confirm(key, message), key, Answers::confirmation)
    }

    /// Asks the person to open `url`, for secrets and third-party consent. The URL must hold no user data and nothing
    /// that authenticates, and the page must check that the same person completes it (specification, client/elicitation).
    /// That the person agreed to open it does not say that they have finished there.
    ///
    /// # Errors
    /// As [`Ask::form`].
    pub fn url(&self, key: &str, message: &str, url: &str) -> Question<Answer<()>> {
        Question::new(self.round().url(key, message, url), key, |answers, key| {
            Ok(answers.answer(key)?.map(drop))
        })
    }

    /// Lets the client's model generate: `params` are those of `sampling/createMessage`.
    ///
    /// # Errors
    /// As [`Ask::form`].
    pub fn sample(&self, key: &str, params: Value) -> Question<Value> {
        Question::new(self.round().sample(key, params), key, Answers::value)
    }

    /// The client's roots.
    ///
    /// # Errors
    /// As [`Ask::form`].
    pub fn roots(&self, key: &str) -> Question<Value> {
        Question::new(self.round().roots(key), key, Answers::value)
    }

    /// Several questions at once.
    pub fn round(&self) -> Round {
        Round::new(Context::clone(&self.0))
    }
}
