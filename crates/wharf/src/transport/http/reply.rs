//! Small responses.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::body::ResponseBody;
use crate::protocol::{Id, RpcError};

pub(super) fn empty(status: StatusCode) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = status;
    response
}

/// A refusal in words.
pub(super) fn text(status: StatusCode, text: &str) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::full(Bytes::from(format!("{text}\n"))));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Why a response refuses what never became a call: it travels with the response to whoever records it.
#[derive(Debug, Clone, Copy)]
struct Because(&'static str);

/// A refusal in words, of something that never became a call.
pub(super) fn refusal(
    status: StatusCode,
    reason: &'static str,
    words: &str,
) -> Response<ResponseBody> {
    because(reason, text(status, words))
}

/// Marks a response as the refusal of something that never became a call.
pub(super) fn because(
    reason: &'static str,
    mut response: Response<ResponseBody>,
) -> Response<ResponseBody> {
    response.extensions_mut().insert(Because(reason));
    response
}

/// Why, and with which status, if a response is such a refusal.
pub(super) fn refused(response: &Response<ResponseBody>) -> Option<(&'static str, u16)> {
    let status = response.status().as_u16();
    // Most are not, and then nothing is looked up.
    let Because(reason) = (status >= 400).then(|| response.extensions().get()).flatten()?;
    Some((reason, status))
}

/// One JSON message.
pub(super) fn json(status: u16, body: impl Into<Bytes>) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::full(body.into()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A JSON-RPC error with its own status.
pub(super) fn error(error: &RpcError, id: Option<&Id>) -> Response<ResponseBody> {
    json(error.status, error.to_message(id))
}

/// A stream of server-sent events that no proxy may hold back.
pub(super) fn events(body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
