//! What arrives with a request: the media types that it names, and its body within bounds of size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body::Body;
use http_body_util::BodyExt;

use super::{body::ResponseBody, reply};

/// What a client accepts.
#[derive(Clone, Copy)]
pub(super) struct Accepts {
    pub(super) json: bool,
    pub(super) events: bool,
}

impl Accepts {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut accepts = Self { json: false, events: false };
        let mut any = false;
        for value in headers.get_all(header::ACCEPT) {
            any = true;
            for range in value.to_str().unwrap_or_default().split(',') {
                let range = range.split(';').next().unwrap_or_default().trim();
                let is = |name: &str| range.eq_ignore_ascii_case(name);
                accepts.json |= is("application/json") || is("application/*") || is("*/*");
                accepts.events |= is("text/event-stream") || is("text/*") || is("*/*");
            }
        }
        if any { accepts } else { Self { json: true, events: true } }
    }
}

/// Whether a message is announced.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let value =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// Reads a body within its bounds.
pub(super) async fn read<B>(
    body: B,
    limit: usize,
    timeout: Duration,
) -> Result<Bytes, Box<Response<ResponseBody>>>
where
    B: Body<Data = Bytes> + Send,
    B::Error: std::fmt::Display,
{
    let too_large = || {
        let text = format!("the body is longer than {limit} bytes, the most allowed");
        Box::new(closing(reply::refusal(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", &text)))
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let collect = async {
        let mut body = std::pin::pin!(body);
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) =
                frame.map_err(|_| Box::new(reply::empty(StatusCode::BAD_REQUEST)))?.into_data()
            else {
                continue;
            };
            if first.len() + rest.len() + data.len() > limit {
                return Err(too_large());
            }
            // One frame is the common case, and is not copied.
            if first.is_empty() && rest.is_empty() {
                first = data;
            } else {
                if rest.is_empty() {
                    rest.reserve(first.len() + data.len());
                    rest.extend_from_slice(&std::mem::take(&mut first));
                }
                rest.extend_from_slice(&data);
            }
        }
        Ok(if rest.is_empty() { first } else { rest.freeze() })
    };
    tokio::time::timeout(timeout, collect).await.unwrap_or_else(|_| {
        Err(Box::new(closing(reply::refusal(
            StatusCode::REQUEST_TIMEOUT,
            "body_too_slow",
            "the body took too long to arrive",
        ))))
    })
}

/// The rest of the request is not read: the connection can't be used again.
fn closing(mut response: Response<ResponseBody>) -> Response<ResponseBody> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
