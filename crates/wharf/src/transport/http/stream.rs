//! Server-sent events (WHATWG HTML section 9.2): framing, and streams that say that they are alive.

use std::{future::Future, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::{Stream, unfold};

/// One message as an event.
pub(super) fn event(message: &[u8], id: Option<&str>) -> Bytes {
    let mut out = BytesMut::with_capacity(message.len() + 64);
    if let Some(id) = id {
        out.put_slice(b"id: ");
        out.put_slice(id.as_bytes());
        out.put_slice(b"\n");
    }
    out.put_slice(b"event: message\ndata: ");
    // JSON text has no line ends outside strings, and inside them they are escaped.
    out.put_slice(message);
    out.put_slice(b"\n\n");
    out.freeze()
}

/// The event that lets a client come back before anything was said (2025-11-25, SEP-1699).
pub(super) fn priming(id: &str) -> Bytes {
    Bytes::from(format!("id: {id}\nretry: 1000\ndata: \n\n"))
}

/// Something that gives frames one after the other.
pub(super) trait Frames: Send + 'static {
    /// The next frame; `None` at the end. Must be cancel-safe.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;
}

/// Turns frames into a body, with a comment whenever nothing was said for `keep_alive`.
pub(super) fn alive(
    frames: impl Frames,
    keep_alive: Duration,
) -> impl Stream<Item = Bytes> + Send + 'static {
    unfold(frames, move |mut frames| async move {
        let frame = match tokio::time::timeout(keep_alive, frames.next()).await {
            Ok(frame) => frame?,
            Err(_) => Bytes::from_static(b": keep-alive\n\n"),
        };
        Some((frame, frames))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_framed() {
        assert_eq!(event(b"{}", None), "event: message\ndata: {}\n\n");
        assert_eq!(event(b"{}", Some("1-2")), "id: 1-2\nevent: message\ndata: {}\n\n");
    }
}
