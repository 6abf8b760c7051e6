//! `params` as they were sent, with all digits of their numbers: an argument that a tool takes has 64 bits of each.

use serde::Deserialize;
use serde_json::value::RawValue;
use wharf::{FromCall, Invocation, ToolError};

use crate::{error::DatabaseError, parameter::Given, request::Parameters};

/// The values of `params` in the text of the call.
pub(crate) struct SentParams(Option<Parameters>);

impl FromCall for SentParams {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        #[derive(Deserialize)]
        struct Arguments<'a> {
            #[serde(borrow)]
            params: &'a RawValue,
        }
        let sent = serde_json::from_str::<Arguments<'_>>(invocation.sent_arguments());
        Ok(Self(sent.ok().and_then(|sent| Parameters::sent(sent.params.get()))))
    }
}

impl SentParams {
    /// The values as they were sent. Where that text is something else than the argument (a string that was taken for the
    /// array in it), the argument counts.
    pub(super) fn or(self, argument: Option<Parameters>) -> Parameters {
        match (self.0, argument) {
            (Some(sent), Some(_)) => sent,
            (_, argument) => argument.unwrap_or_default(),
        }
    }

    /// The argument.
    ///
    /// # Errors
    /// A number has lost digits in it.
    pub(super) fn unrounded(
        self,
        argument: Option<Parameters>,
    ) -> Result<Parameters, DatabaseError> {
        let is_exact = match self.0.as_ref().and_then(Parameters::given) {
            Some(Given::Positional(values)) => values.iter().all(|value| value.is_unrounded()),
            Some(Given::Named(values)) => values.values().all(|value| value.is_unrounded()),
            None => true,
        };
        if !is_exact {
            let rule = "a number with more digits than 64 bits hold must be a string";
            return Err(DatabaseError::invalid("params", rule));
        }
        Ok(argument.unwrap_or_default())
    }
}
