//! Placeholder while the real module is on its way.
use serde_json::{Value, json};
pub(crate) struct InputSchema(jsonschema::Validator);
#[derive(Debug)]
pub(crate) struct Refusals(String);
impl std::fmt::Display for Refusals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl Refusals {
    pub(crate) fn to_json(&self) -> Value {
        json!([self.0])
    }
}
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SchemaError(String);
impl InputSchema {
    pub(crate) fn compile(schema: &Value) -> Result<Self, SchemaError> {
        jsonschema::draft202012::new(schema).map(Self).map_err(|e| SchemaError(e.to_string()))
    }
    pub(crate) fn check(&self, args: &mut Value) -> Result<(), Refusals> {
        if self.0.is_valid(args) { Ok(()) } else { Err(Refusals("does not fit".into())) }
    }
}
pub(crate) fn close_objects(_: &mut Value) {}
