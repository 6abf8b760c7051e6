//! What a tool promises to give back. The specification says that structured content MUST conform to the tool's output
//! schema (server/tools), and a client may refuse what does not.
//!
//! In debug builds, and where [`Server::check_outputs`](crate::Server::check_outputs) says so, a result that breaks the
//! promise is a failure. Otherwise only samples are looked at, calls 1, 2, 4, 8, … of each tool up to a size, and the first
//! breach is logged: a promise that is always broken shows at the first call, and the rest pay for one counter.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::Value;

use crate::{
    error::{Error, ErrorKind, Failure},
    handler::ToolResult,
    schema::{OutputSchema, SchemaError},
};

/// Largest structured content that is looked at as a sample, in bytes.
const MAX_SAMPLE_BYTES: usize = 256 * 1024;

/// The compiled output schema of one tool, and what has been seen of it.
pub(crate) struct OutputContract {
    schema: OutputSchema,
    enforced: bool,
    calls: AtomicU64,
    broken: AtomicBool,
}

impl OutputContract {
    pub(super) fn compile(schema: &Value, enforced: bool) -> Result<Self, SchemaError> {
        let schema = OutputSchema::compile(schema)?;
        Ok(Self { schema, enforced, calls: AtomicU64::new(0), broken: AtomicBool::new(false) })
    }

    /// Holds `result` of the tool `name` against the schema. A failed call promises nothing.
    ///
    /// # Errors
    /// INTERNAL_ERROR where the contract is enforced and broken. Place and rule are for the log.
    pub(crate) fn check(&self, name: &str, result: &ToolResult) -> Result<(), Error> {
        if result.is_error || !(self.enforced || self.is_sample(result)) {
            return Ok(());
        }
        let Some(breach) = self.breach(result) else { return Ok(()) };
        if self.enforced {
            let text = format!("the result of tool {name:?} breaks its output schema: {breach}");
            let mut failure = Failure::new(ErrorKind::Internal, "internal error");
            failure.source = Some(text.into());
            return Err(Error::Failed(failure));
        }
        if !self.broken.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                tool = name,
                breach,
                "a tool's result breaks its output schema; this is said once per tool"
            );
        }
        Ok(())
    }

    fn is_sample(&self, result: &ToolResult) -> bool {
        if self.broken.load(Ordering::Relaxed) {
            return false;
        }
        let calls = self.calls.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        calls.is_power_of_two()
            && result.structured.as_ref().is_none_or(|raw| raw.get().len() <= MAX_SAMPLE_BYTES)
    }

    /// What is wrong with it, without a value of it.
    fn breach(&self, result: &ToolResult) -> Option<String> {
        let Some(raw) = &result.structured else {
            return Some(
                "there is no structured content; return Json, or use ToolResult::structured".into(),
            );
        };
        match serde_json::from_str::<Value>(raw.get()) {
            Ok(value) => self.schema.check(&value).err().map(|refusals| refusals.to_string()),
            // Nested too deeply for this parser, and so for most clients' too.
            Err(_) => Some("the structured content can't be read back".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn contract(enforced: bool) -> OutputContract {
        let schema =
            json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
        OutputContract::compile(&schema, enforced).unwrap()
    }

    fn give(value: Value) -> ToolResult {
        ToolResult::structured(&value).unwrap()
    }

    #[test]
    fn a_breach_names_the_place_and_never_the_value() {
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        let mut nested = ToolResult::new();
        nested.structured = serde_json::value::RawValue::from_string(deep).ok();
        for (result, expected) in [
            (give(json!({"n": "hunter2"})), "/n: not accepted (rule: type); accepted: an integer"),
            (give(json!({})), "/n: required (rule: required); accepted: an integer"),
            (give(json!("hunter2")), "the structured content: not accepted (rule: type)"),
            (ToolResult::text("hunter2"), "there is no structured content"),
            (nested, "the structured content can't be read back"),
        ] {
            let Err(Error::Failed(failure)) = contract(true).check("t", &result) else {
                panic!("{expected}")
            };
            assert_eq!((failure.kind, &*failure.message), (ErrorKind::Internal, "internal error"));
            let text = failure.source.unwrap().to_string();
            assert!(text.contains(expected) && !text.contains("hunter2"), "{text}");
            assert!(contract(false).check("t", &result).is_ok());
        }
    }

    #[test]
    fn a_kept_promise_and_a_failed_call_pass() {
        for result in [give(json!({"n": 1})), ToolResult::failure("no")] {
            assert!(contract(true).check("t", &result).is_ok());
        }
    }

    #[test]
    fn samples_thin_out_and_end_with_the_first_breach() {
        let contract = contract(false);
        let good = give(json!({"n": 1}));
        let samples: Vec<_> = (1..=100).filter(|_| contract.is_sample(&good)).collect();
        assert_eq!(samples, [1, 2, 4, 8, 16, 32, 64]);
        let large = give(json!({"n": "x".repeat(MAX_SAMPLE_BYTES)}));
        let fresh = self::contract(false);
        assert!(!fresh.is_sample(&large), "a large result is not read a second time");
        assert!(fresh.is_sample(&good));
        fresh.check("t", &ToolResult::new()).unwrap();
        fresh.check("t", &ToolResult::new()).unwrap();
        assert!(fresh.broken.load(Ordering::Relaxed));
        assert!((0..8).all(|_| !fresh.is_sample(&good)));
    }
}
