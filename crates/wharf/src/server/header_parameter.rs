//! Parameters that clients of 2026-07-28 repeat in a header, so that gateways can route by them (`x-mcp-header`,
//! server/tools).

use serde_json::Value;

use crate::protocol::{HeaderView, RpcError};

/// A parameter that clients repeat in a header.
#[derive(Debug, PartialEq)]
pub(crate) struct HeaderParameter {
    pointer: String,
    header: String,
}

impl HeaderParameter {
    /// Compares the header with the raw, uncoerced arguments (streamable-http, custom headers).
    pub(crate) fn check(&self, headers: HeaderView<'_>, arguments: &Value) -> Result<(), RpcError> {
        let sent = headers.value(&self.header)?;
        let value = arguments.pointer(&self.pointer).filter(|value| !value.is_null());
        let name = &self.header;
        match (value, sent) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(RpcError::header_mismatch(format!(
                "the header {name} is there, its parameter is not"
            ))),
            (Some(_), None) => {
                Err(RpcError::header_mismatch(format!("the header {name} is missing")))
            }
            (Some(value), Some(sent)) => {
                let same = match value {
                    Value::String(text) => *text == sent,
                    Value::Bool(flag) => sent == if *flag { "true" } else { "false" },
                    // Integers compare as numbers: 7 and 7.0 are the same.
                    Value::Number(number) => {
                        number.to_string() == sent
                            || sent.parse::<f64>().is_ok_and(|sent| number.as_f64() == Some(sent))
                    }
                    _ => false,
                };
                if same {
                    Ok(())
                } else {
                    Err(RpcError::header_mismatch(format!(
                        "the header {name} differs from the body"
                    )))
                }
            }
        }
    }
}

/// Finds `x-mcp-header` on properties, and refuses what the specification forbids (server/tools).
pub(super) fn collect_headers(
    schema: &Value,
    pointer: String,
    found: &mut Vec<HeaderParameter>,
) -> Result<(), String> {
    let Some(properties) = schema["properties"].as_object() else { return Ok(()) };
    for (name, property) in properties {
        let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        if let Some(header) = property.get("x-mcp-header") {
            let header = header.as_str().filter(|header| is_token(header)).ok_or_else(|| {
                format!("x-mcp-header at {pointer:?} must be a header name (RFC 9110 token)")
            })?;
            if !matches!(property["type"].as_str(), Some("string" | "integer" | "boolean")) {
                return Err(format!(
                    "x-mcp-header at {pointer:?} needs a string, integer or boolean parameter"
                ));
            }
            let header = format!("Mcp-Param-{header}");
            if found.iter().any(|other| other.header.eq_ignore_ascii_case(&header)) {
                return Err(format!("two parameters use the header {header}"));
            }
            found.push(HeaderParameter { pointer: pointer.clone(), header });
        }
        collect_headers(property, pointer, found)?;
    }
    Ok(())
}

/// RFC 9110 section 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forbidden_header_parameters_are_refused() {
        let check = |schema: Value, ok: bool| {
            let mut found = Vec::new();
            assert_eq!(collect_headers(&schema, String::new(), &mut found).is_ok(), ok, "{schema}");
        };
        let string = |header: &str| json!({"type": "string", "x-mcp-header": header});
        check(json!({"properties": {"a": string("Region")}}), true);
        check(json!({"properties": {"a": {"properties": {"b": string("Region")}}}}), true);
        check(json!({"properties": {"a": string("Re gion")}}), false);
        check(json!({"properties": {"a": string("")}}), false);
        check(json!({"properties": {"a": string("X"), "b": string("x")}}), false);
        check(json!({"properties": {"a": {"type": "number", "x-mcp-header": "N"}}}), false);
        check(json!({"properties": {"a": {"type": "object", "x-mcp-header": "N"}}}), false);
    }

    #[test]
    fn header_parameters_compare_with_the_raw_arguments() {
        let parameter = HeaderParameter { pointer: "/n".into(), header: "Mcp-Param-N".into() };
        let check = |sent: Option<&str>, arguments: Value, ok: bool| {
            let mut headers = http::HeaderMap::new();
            if let Some(sent) = sent {
                headers.insert("mcp-param-n", sent.parse().unwrap());
            }
            assert_eq!(
                parameter.check(HeaderView(&headers), &arguments).is_ok(),
                ok,
                "{sent:?} {arguments}"
            );
        };
        check(Some("7"), json!({"n": 7}), true);
        check(Some("7.0"), json!({"n": 7}), true);
        check(Some("7"), json!({"n": "7"}), true);
        check(Some("8"), json!({"n": 7}), false);
        check(Some("true"), json!({"n": true}), true);
        check(Some("True"), json!({"n": true}), false);
        check(Some("=?base64?w6k=?="), json!({"n": "é"}), true);
        check(None, json!({"n": null}), true);
        check(None, json!({}), true);
        check(None, json!({"n": ""}), false);
        check(Some("x"), json!({}), false);
    }
}
