//! The JSON-RPC envelope: which kind of message this is, before anything is decoded by its method.

use super::{
    fields::{FieldsError, fields, string},
    id::Id,
    inside::{Inside, read_at_once},
    rpc_error::RpcError,
};

/// The members of a message that mean something.
pub(super) const MEMBERS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// One message, borrowed from its text.
#[derive(Debug, PartialEq)]
pub(crate) enum Message<'a> {
    Request {
        id: Id,
        method: std::borrow::Cow<'a, str>,
        params: Option<&'a str>,
    },
    Notification {
        method: std::borrow::Cow<'a, str>,
        params: Option<&'a str>,
    },
    /// A client's answer to a request of ours (legacy sessions only).
    Response {
        id: Id,
        result: Result<&'a str, &'a str>,
    },
    /// An array of messages, not yet looked into.
    Batch(Vec<&'a str>),
}

/// An unusable message, with its id when that much could be read.
pub(crate) type Refused = (RpcError, Option<Id>);

/// Reads one message, and into `inside` what was read of its parameters on the way.
pub(crate) fn parse<'a>(
    text: &'a str,
    inside: &mut Inside<'a>,
) -> Result<Message<'a>, Box<Refused>> {
    if text.trim_ascii_start().starts_with('[') {
        let raw: Vec<&serde_json::value::RawValue> =
            serde_json::from_str(text).map_err(|error| Box::new((RpcError::parse(error), None)))?;
        return Ok(Message::Batch(raw.into_iter().map(|item| item.get()).collect()));
    }
    let [version, raw_id, method, params, result, error] = match read_at_once(text) {
        Some((members, read)) => {
            *inside = read;
            members
        }
        None => fields(text, &MEMBERS).map_err(not_a_message)?,
    };
    let id = raw_id.map(Id::parse);
    let refuse = |message: &'static str| {
        Box::new((RpcError::invalid_request(message), id.clone().flatten()))
    };
    if version.and_then(string).as_deref() != Some("2.0") {
        return Err(refuse("\"jsonrpc\" must be \"2.0\""));
    }
    if let Some(None) = id {
        return Err(refuse("\"id\" must be a string of at most 1024 bytes or an integer"));
    }
    let id_known = id.clone().flatten();
    match (method, result, error) {
        (Some(method), None, None) => {
            let Some(method) = string(method) else {
                return Err(refuse("\"method\" must be a string"));
            };
            Ok(match id_known {
                Some(id) => Message::Request { id, method, params },
                None => Message::Notification { method, params },
            })
        }
        (None, Some(result), None) if id_known.is_some() => Ok(Message::Response {
            id: id_known.ok_or_else(|| refuse("\"id\" is missing"))?,
            result: Ok(result),
        }),
        (None, None, Some(error)) if id_known.is_some() => Ok(Message::Response {
            id: id_known.ok_or_else(|| refuse("\"id\" is missing"))?,
            result: Err(error),
        }),
        _ => Err(refuse(
            "a message has a \"method\", or an \"id\" with a \"result\" or an \"error\"",
        )),
    }
}

fn not_a_message(error: FieldsError) -> Box<Refused> {
    let error = match error {
        FieldsError::Syntax(detail) => RpcError::parse(detail),
        FieldsError::Shape(detail) => {
            RpcError::invalid_request(format!("not a JSON-RPC message: {detail}"))
        }
    };
    Box::new((error, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Message<'_>, Box<Refused>> {
        super::parse(text, &mut Inside::default())
    }

    #[test]
    fn hostile_envelopes_get_the_code_of_json_rpc() {
        let check = |text: &str, code: i32| {
            let refused = parse(text).expect_err(text);
            assert_eq!(refused.0.code, code, "{text}: {}", refused.0);
        };
        check("{not json", -32700);
        check("", -32700);
        check(r#"{"jsonrpc":"2.0","id":1,"method":"ping""#, -32700);
        check(r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600);
        check(r#"{"id":1,"method":"ping"}"#, -32600);
        check(r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#, -32600);
        check(r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600);
        check(r#"{"jsonrpc":"2.0","id":1,"method":5}"#, -32600);
        check(r#"{"jsonrpc":"2.0","id":1}"#, -32600);
        check(r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}"#, -32600);
        check(r#"{"jsonrpc":"2.0","id":1,"Method":"a"}"#, -32600);
        check(r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, -32600);
        check("42", -32600);
        check("\"x\"", -32600);
        check(&"[".repeat(100_000), -32700);
        check(&format!("{}{}", "{\"a\":".repeat(100_000), "1"), -32700);
    }

    #[test]
    fn a_refused_message_keeps_its_id_when_it_has_one() {
        let refused = parse(r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#).unwrap_err();
        assert_eq!(refused.1, Some(Id::Number(7)));
    }

    #[test]
    fn look_alike_keys_are_unknown_keys() {
        let read =
            parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"param\u{17f}\":{\"x\":1},\"method\":\"ping\"}")
                .unwrap();
        assert_eq!(
            read,
            Message::Request { id: Id::Number(1), method: "ping".into(), params: None }
        );
    }
}
