//! What came back. Decline and cancel are values: the person's "no" is an answer and not a failure.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::ToolError;
use crate::handler::typed::typed;

/// What the person did.
///
/// ```
/// use wharf::{Answer, ToolError};
///
/// fn told(answer: Answer<u32>) -> Result<String, ToolError> {
///     Ok(match answer {
///         Answer::Accepted(seats) => format!("{seats} seats"),
///         Answer::Declined => "no seats".to_owned(),
///         // Or let a refusal end the call: `let seats = answer.accept()?`.
///         other => other.accept()?.to_string(),
///     })
/// }
/// assert_eq!(told(Answer::Accepted(2)).unwrap(), "2 seats");
/// assert!(told(Answer::Cancelled).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer<T = Map<String, Value>> {
    /// Filled the form in; checked against its schema.
    Accepted(T),
    /// Said no.
    Declined,
    /// Closed the question.
    Cancelled,
}

impl<T> Answer<T> {
    /// What was filled in; a refusal by the person becomes a failure that says so.
    ///
    /// # Errors
    /// INVALID_INPUT when the person declined or closed the question.
    pub fn accept(self) -> Result<T, ToolError> {
        match self {
            Self::Accepted(content) => Ok(content),
            Self::Declined => {
                Err(ToolError::invalid_input("the person declined to answer; nothing was done"))
            }
            Self::Cancelled => {
                Err(ToolError::invalid_input("the person closed the question; nothing was done"))
            }
        }
    }

    /// What was filled in, if anything was.
    pub fn accepted(self) -> Option<T> {
        match self {
            Self::Accepted(content) => Some(content),
            _ => None,
        }
    }

    /// The same with another content.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Self::Accepted(content) => Answer::Accepted(change(content)),
            Self::Declined => Answer::Declined,
            Self::Cancelled => Answer::Cancelled,
        }
    }
}

impl Answer<bool> {
    /// Whether the person said yes: not when they said no, declined or closed the question.
    pub fn is_yes(&self) -> bool {
        matches!(self, Self::Accepted(true))
    }
}

/// The answers of one round.
#[derive(Debug, Clone)]
pub struct Answers(pub(super) BTreeMap<String, Value>);

impl Answers {
    /// What the client sent for `key`: an elicitation, sampling or roots result.
    ///
    /// # Errors
    /// INTERNAL_ERROR when nothing of that key was asked.
    pub fn value(&self, key: &str) -> Result<Value, ToolError> {
        self.find(key).cloned()
    }

    fn find(&self, key: &str) -> Result<&Value, ToolError> {
        self.0
            .get(key)
            .ok_or_else(|| ToolError::internal(format!("no question has the key {key:?}")))
    }

    /// What the person did about the form or URL `key`.
    ///
    /// # Errors
    /// As [`Answers::value`].
    pub fn answer(&self, key: &str) -> Result<Answer, ToolError> {
        let value = self.find(key)?;
        Ok(match value["action"].as_str() {
            Some("accept") => {
                Answer::Accepted(value["content"].as_object().cloned().unwrap_or_default())
            }
            Some("decline") => Answer::Declined,
            _ => Answer::Cancelled,
        })
    }

    /// What the person did about the typed form `key`.
    ///
    /// # Errors
    /// As [`Answers::value`], and INVALID_INPUT where `T` is stricter than the form that it describes.
    pub fn form<T: DeserializeOwned>(&self, key: &str) -> Result<Answer<T>, ToolError> {
        let content = match self.answer(key)? {
            Answer::Accepted(content) => content,
            Answer::Declined => return Ok(Answer::Declined),
            Answer::Cancelled => return Ok(Answer::Cancelled),
        };
        let content = typed(Value::Object(content)).map_err(|misfit| {
            ToolError::invalid_input("the answer does not have the fields that were asked for")
                .source(misfit)
        })?;
        Ok(Answer::Accepted(content))
    }

    /// What the person chose at [`Round::choose`](super::Round::choose).
    ///
    /// # Errors
    /// As [`Answers::value`].
    pub fn choice(&self, key: &str) -> Result<Answer<String>, ToolError> {
        let answer = self.answer(key)?;
        Ok(answer.map(|content| content["choice"].as_str().unwrap_or_default().to_owned()))
    }

    /// What the person said at [`Round::confirm`](super::Round::confirm).
    ///
    /// # Errors
    /// As [`Answers::value`].
    pub fn confirmation(&self, key: &str) -> Result<Answer<bool>, ToolError> {
        Ok(self.answer(key)?.map(|content| content["confirmed"] == true))
    }
}
