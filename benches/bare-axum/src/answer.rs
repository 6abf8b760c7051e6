//! One message in, one message out.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Option<Params<'a>>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Add {
    a: i64,
    b: i64,
}

#[derive(Deserialize)]
struct Echo<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Serialize)]
struct Response<'a> {
    jsonrpc: &'static str,
    id: Option<&'a RawValue>,
    result: CallResult<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallResult<'a> {
    result_type: &'static str,
    content: [Content<'a>; 1],
    is_error: bool,
}

#[derive(Serialize)]
struct Content<'a> {
    r#type: &'static str,
    text: Cow<'a, str>,
}

/// What to do with a message.
pub enum Answer {
    /// Send these bytes.
    Message(Vec<u8>),
    /// A notification: nothing to send.
    Nothing,
    /// Not one of the few messages that are known here.
    Refused,
}

/// Answers one message.
pub fn answer(message: &[u8]) -> Answer {
    let Ok(request) = serde_json::from_slice::<Request<'_>>(message) else {
        return Answer::Refused;
    };
    let Some(id) = request.id else { return Answer::Nothing };
    let bytes = match request.method.as_ref() {
        "tools/call" => call(&request),
        "initialize" => Some(
            format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"protocolVersion":"2025-11-25","serverInfo":{{"name":"bare","version":"0"}},"capabilities":{{"tools":{{}}}}}}}}"#)
                .into_bytes(),
        ),
        "server/discover" => Some(
            format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{{"tools":{{}}}}}}}}"#)
                .into_bytes(),
        ),
        _ => None,
    };
    bytes.map_or(Answer::Refused, Answer::Message)
}

fn call(request: &Request<'_>) -> Option<Vec<u8>> {
    let params = request.params.as_ref()?;
    let arguments = params.arguments?.get();
    let text = match params.name.as_deref()? {
        "add" => {
            let add: Add = serde_json::from_str(arguments).ok()?;
            Cow::Owned(add.a.checked_add(add.b)?.to_string())
        }
        "echo" => serde_json::from_str::<Echo<'_>>(arguments).ok()?.text,
        _ => return None,
    };
    let content = [Content { r#type: "text", text }];
    let result = CallResult { result_type: "complete", content, is_error: false };
    serde_json::to_vec(&Response { jsonrpc: "2.0", id: request.id, result }).ok()
}
