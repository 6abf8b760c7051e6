//! Forms: a message and a flat object schema of primitive properties, which is all that clients can show (specification,
//! client/elicitation). A schema that is derived from a type is brought into that form, or refused with the field that
//! does not fit; nothing is left out silently that would constrain the answer.

mod derive;

use schemars::JsonSchema;
use serde_json::{Value, json};

use crate::error::ToolError;

/// A form for the person behind the client.
#[derive(Debug, Clone)]
pub struct Form {
    pub(super) message: String,
    pub(super) schema: Value,
    /// Whether the schema comes from a type, and so from here.
    derived: bool,
}

/// Why a form can't be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormError {
    /// The type is no struct with named fields.
    #[error("{form} can't be a form: a form is a struct with at least one named field")]
    NotAStruct {
        /// The type.
        form: &'static str,
    },
    /// A field is something that clients can't show.
    #[error(
        "{form} can't be a form because of its field {field:?}: {problem}; use strings, numbers, booleans, enums without \
         data, lists of such enums, or an Option of one of these"
    )]
    Field {
        /// The type.
        form: &'static str,
        /// The field.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Nothing to choose from, or the same value twice.
    #[error("a choice needs at least one value, and each only once")]
    Choices,
}

impl Form {
    /// A form that asks for what `schema` describes. Never ask for secrets this way; use [`Ask::url`](super::Ask::url).
    pub fn new(message: impl Into<String>, schema: Value) -> Self {
        Self { message: message.into(), schema, derived: false }
    }

    /// A form with the fields of `T`. [`Ask::form`](super::Ask::form) does this by itself; here a test can see what clients
    /// are shown.
    ///
    /// ```
    /// #[derive(schemars::JsonSchema)]
    /// struct Name {
    ///     name: String,
    /// }
    /// #[derive(schemars::JsonSchema)]
    /// struct Person {
    ///     name: Name,
    /// }
    ///
    /// assert!(wharf::Form::of::<Name>("Who are you?").is_ok());
    /// let error = wharf::Form::of::<Person>("Who are you?").unwrap_err();
    /// assert!(error.to_string().contains("its field \"name\": an object can't be shown"));
    /// ```
    ///
    /// # Errors
    /// When clients could not show it.
    pub fn of<T: JsonSchema>(message: impl Into<String>) -> Result<Self, FormError> {
        let schema = derive::form_schema::<T>()?;
        Ok(Self { message: message.into(), schema, derived: true })
    }

    pub(super) fn choice(
        message: impl Into<String>,
        choices: &[(&str, &str)],
    ) -> Result<Self, FormError> {
        let mut values: Vec<_> = choices.iter().map(|(value, _)| value).collect();
        values.sort_unstable();
        values.dedup();
        if values.len() != choices.len() || choices.is_empty() {
            return Err(FormError::Choices);
        }
        let one_of: Vec<_> =
            choices.iter().map(|(value, title)| json!({"const": value, "title": title})).collect();
        let schema = json!({
            "type": "object",
            "properties": {"choice": {"type": "string", "oneOf": one_of}},
            "required": ["choice"],
        });
        Ok(Self { message: message.into(), schema, derived: true })
    }

    pub(super) fn confirmation(message: impl Into<String>) -> Self {
        let schema = json!({
            "type": "object",
            "properties": {"confirmed": {"type": "boolean", "title": "Yes"}},
            "required": ["confirmed"],
        });
        Self { message: message.into(), schema, derived: true }
    }

    /// The form as 2025-06-18 knows forms: choices have `enumNames` for their titles, and there is one choice per field. A
    /// schema of the author's own is the author's own.
    pub(super) fn for_older_client(mut self) -> Result<Self, ToolError> {
        if !self.derived {
            return Ok(self);
        }
        let properties = self.schema["properties"].as_object_mut().into_iter().flatten();
        for (_, property) in properties {
            if property["type"] == "array" {
                return Err(ToolError::unavailable(
                    "this client can't be asked to choose several things at once; use one that speaks 2025-11-25 or later",
                ));
            }
            let Some(property) = property.as_object_mut() else { continue };
            let Some(Value::Array(choices)) = property.remove("oneOf") else { continue };
            let all = |member: &str| choices.iter().map(|choice| choice[member].clone()).collect();
            let (values, titles): (Vec<Value>, Vec<Value>) = (all("const"), all("title"));
            property.insert("enum".to_owned(), values.into());
            property.insert("enumNames".to_owned(), titles.into());
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_need_distinct_values() {
        assert!(Form::choice("?", &[("a", "A"), ("b", "A")]).is_ok());
        assert_eq!(Form::choice("?", &[]).unwrap_err(), FormError::Choices);
        assert_eq!(
            Form::choice("?", &[("a", "A"), ("b", "B"), ("a", "C")]).unwrap_err(),
            FormError::Choices
        );
    }

    #[test]
    fn an_older_client_gets_names_beside_the_values() {
        let form = Form::choice("?", &[("a", "First"), ("b", "Second")]).unwrap();
        let schema = form.for_older_client().unwrap().schema;
        assert_eq!(
            schema["properties"]["choice"],
            json!({"type": "string", "enum": ["a", "b"], "enumNames": ["First", "Second"]})
        );
        let own = json!({"type": "object", "properties": {"a": {"oneOf": [{"const": 1}]}}});
        assert_eq!(Form::new("?", own.clone()).for_older_client().unwrap().schema, own);
    }
}
