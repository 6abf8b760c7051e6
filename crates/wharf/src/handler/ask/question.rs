//! One question on its own: a round of one that knows how its answer is read.

use std::{borrow::Cow, fmt, future::IntoFuture};

use futures_util::future::BoxFuture;

use super::{answer::Answers, round::Round};
use crate::error::ToolError;

/// One question. It is asked when it is awaited, and gives `T`.
///
/// On 2026-07-28 the error that says "not answered yet" must be passed on with `?`; it is what ends this round.
#[must_use = "nothing is asked until it is awaited"]
pub struct Question<T> {
    round: Round,
    key: String,
    read: fn(&Answers, &str) -> Result<T, ToolError>,
}

impl<T> Question<T> {
    pub(super) fn new(
        round: Round,
        key: &str,
        read: fn(&Answers, &str) -> Result<T, ToolError>,
    ) -> Self {
        Self { round, key: key.to_owned(), read }
    }

    /// Names the argument that makes the question unnecessary: a client that can't be asked is told to pass it instead.
    ///
    /// ```
    /// use wharf::{Args, Ask, Tool, ToolError};
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Wipe {
    ///     /// Skips the question.
    ///     #[serde(default)]
    ///     confirmed: bool,
    /// }
    ///
    /// let tool = Tool::new("wipe").handler(|ask: Ask, Args(wipe): Args<Wipe>| async move {
    ///     let sure = wipe.confirmed
    ///         || ask.confirm("sure", "Delete everything?").or_argument("confirmed").await?.is_yes();
    ///     Ok::<_, ToolError>(if sure { "wiped" } else { "left as it was" })
    /// });
    /// # drop(tool);
    /// ```
    pub fn or_argument(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.round = self.round.or_argument(name);
        self
    }
}

impl<T: Send + 'static> IntoFuture for Question<T> {
    type Output = Result<T, ToolError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { round, key, read } = self;
            read(&round.send().await?, &key)
        })
    }
}

impl<T> fmt::Debug for Question<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("key", &self.key).finish_non_exhaustive()
    }
}
