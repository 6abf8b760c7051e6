//! The headers that 2026-07-28 mirrors from the body (basic/transports/streamable-http), and their encoding.
//!
//! A gateway routes by these headers without reading the body, so a server must refuse a message whose headers say
//! something else than its body. Values compare case-sensitively; names do not. A value that a header can't carry travels
//! as `=?base64?…?=`.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header::GetAll};

use super::rpc_error::RpcError;

const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";

static METHOD: HeaderName = HeaderName::from_static("mcp-method");
static NAME: HeaderName = HeaderName::from_static("mcp-name");
static PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// Where the mirrored headers of one request are read; `None` on transports without headers.
#[derive(Clone, Copy)]
pub(crate) struct HeaderView<'a>(pub(crate) &'a HeaderMap);

impl<'a> HeaderView<'a> {
    /// The decoded value of `name`, or why it can't be used.
    pub(crate) fn value(self, name: &str) -> Result<Option<Cow<'a, str>>, RpcError> {
        // The names that each request has need not be parsed each time.
        let known = match name {
            "Mcp-Method" => &METHOD,
            "Mcp-Name" => &NAME,
            "MCP-Protocol-Version" => &PROTOCOL_VERSION,
            _ => return Self::one(self.0.get_all(name), name),
        };
        Self::one(self.0.get_all(known), name)
    }

    fn one(values: GetAll<'a, HeaderValue>, name: &str) -> Result<Option<Cow<'a, str>>, RpcError> {
        let mut values = values.iter();
        let Some(first) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(RpcError::header_mismatch(format!(
                "the header {name} appears more than once"
            )));
        }
        let text = std::str::from_utf8(first.as_bytes())
            .ok()
            .filter(|text| text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)))
            .ok_or_else(|| bad(name))?;
        decode_value(text.trim_matches([' ', '\t'])).map(Some).ok_or_else(|| bad(name))
    }

    /// Refuses unless `name` carries exactly `expected`.
    pub(crate) fn expect(self, name: &str, expected: &str) -> Result<(), RpcError> {
        match self.value(name)? {
            Some(value) if value == expected => Ok(()),
            Some(_) => {
                Err(RpcError::header_mismatch(format!("the header {name} differs from the body")))
            }
            None => Err(RpcError::header_mismatch(format!("the header {name} is missing"))),
        }
    }
}

fn bad(name: &str) -> RpcError {
    RpcError::header_mismatch(format!(
        "the header {name} has characters that a header can't carry; encode it as =?base64?…?="
    ))
}

/// The value that a header carries; `None` when the base64 form is broken.
pub(crate) fn decode_value(text: &str) -> Option<Cow<'_, str>> {
    match text.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE)) {
        Some(encoded) => STANDARD
            .decode(encoded)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .map(Cow::Owned),
        // Without both ends it is an ordinary value that happens to look like one.
        None => Some(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form of `value` that a header can carry.
    fn encode_value(value: &str) -> Cow<'_, str> {
        let plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
            && !value.starts_with([' ', '\t'])
            && !value.ends_with([' ', '\t'])
            && !value.starts_with(OPEN);
        if plain {
            Cow::Borrowed(value)
        } else {
            Cow::Owned(format!("{OPEN}{}{CLOSE}", STANDARD.encode(value)))
        }
    }

    #[test]
    fn values_survive_the_header_encoding() {
        for value in ["plain", "", "größe", " padded ", "a\nb", "=?base64?x?=", "a=b; c"] {
            assert_eq!(decode_value(&encode_value(value)).as_deref(), Some(value), "{value:?}");
        }
    }

    #[test]
    fn broken_base64_is_refused() {
        for text in ["=?base64?%%?=", "=?base64?/w==?=", "=?base64?YQ?="] {
            assert_eq!(decode_value(text), None, "{text}");
        }
    }

    #[test]
    fn expectations_are_exact() {
        let mut map = HeaderMap::new();
        map.insert("mcp-method", "tools/call".parse().unwrap());
        map.append("twice", "a".parse().unwrap());
        map.append("twice", "a".parse().unwrap());
        let view = HeaderView(&map);
        assert!(view.expect("Mcp-Method", "tools/call").is_ok());
        for (name, expected) in [("mcp-method", "Tools/call"), ("mcp-name", "x"), ("twice", "a")] {
            assert_eq!(view.expect(name, expected).unwrap_err().code, -32020, "{name}");
        }
    }
}
