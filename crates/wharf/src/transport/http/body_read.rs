//! Reading the body of a request within its bounds on size and time.

use std::{pin::pin, task::Poll, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Body;
use http_body_util::BodyExt;

use super::{body::ResponseBody, reply};

/// Parts of a body that are kept as they came, to be joined once their sum is known. A client that sends more and smaller
/// ones has them joined as they come.
const MAX_PARTS: usize = 64;

/// What has been read.
#[derive(Default)]
struct Received {
    first: Bytes,
    /// Those after the first.
    parts: Vec<Bytes>,
    joined: BytesMut,
    length: usize,
}

impl Received {
    fn add(&mut self, data: Bytes) {
        self.length += data.len();
        if self.length == data.len() {
            self.first = data;
        } else if self.joined.is_empty() && self.parts.len() < MAX_PARTS {
            self.parts.push(data);
        } else {
            let first = std::mem::take(&mut self.first);
            let parts = std::iter::once(first).chain(self.parts.drain(..)).chain([data]);
            parts.for_each(|part| self.joined.extend_from_slice(&part));
        }
    }

    /// One part is the common case, and is not copied.
    fn whole(self) -> Bytes {
        if !self.joined.is_empty() {
            return self.joined.freeze();
        }
        if self.parts.is_empty() {
            return self.first;
        }
        let mut whole = BytesMut::with_capacity(self.length);
        whole.extend_from_slice(&self.first);
        self.parts.iter().for_each(|part| whole.extend_from_slice(part));
        whole.freeze()
    }
}

/// Reads `body`, up to `limit` bytes and for `timeout` at most.
///
/// # Errors
/// With the response that says why it is not read further.
pub(super) async fn read_body<B>(
    body: B,
    limit: usize,
    timeout: Duration,
) -> Result<Bytes, Box<Response<ResponseBody>>>
where
    B: Body<Data = Bytes> + Send,
    B::Error: std::fmt::Display,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    let mut reading = pin!(read_all(body, limit));
    // Most bodies have come with their head: no timer is made for them.
    if let Poll::Ready(read) =
        std::future::poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx))).await
    {
        return read;
    }
    tokio::time::timeout(timeout, reading).await.unwrap_or_else(|_| {
        Err(Box::new(closing(reply::refusal(
            StatusCode::REQUEST_TIMEOUT,
            "body_too_slow",
            "the body took too long to arrive",
        ))))
    })
}

async fn read_all<B>(body: B, limit: usize) -> Result<Bytes, Box<Response<ResponseBody>>>
where
    B: Body<Data = Bytes> + Send,
{
    let mut body = pin!(body);
    let mut received = Received::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Box::new(reply::empty(StatusCode::BAD_REQUEST)))?;
        let Ok(data) = frame.into_data() else { continue };
        if received.length + data.len() > limit {
            return Err(too_large(limit));
        }
        received.add(data);
    }
    Ok(received.whole())
}

fn too_large(limit: usize) -> Box<Response<ResponseBody>> {
    let text = format!("the body is longer than {limit} bytes, the most allowed");
    Box::new(closing(reply::refusal(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", &text)))
}

/// The rest of the request is not read: the connection can't be used again.
fn closing(mut response: Response<ResponseBody>) -> Response<ResponseBody> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_in_order_however_many_there_are() {
        for count in [0, 1, 2, MAX_PARTS, MAX_PARTS + 1, 1000] {
            let mut received = Received::default();
            let mut expected = Vec::new();
            for n in 0..count {
                let part = n.to_string().repeat(n % 3 + 1);
                expected.extend_from_slice(part.as_bytes());
                received.add(Bytes::from(part));
                assert!(received.parts.len() <= MAX_PARTS);
            }
            assert_eq!(received.length, expected.len());
            assert_eq!(received.whole(), expected, "{count}");
        }
    }
}
