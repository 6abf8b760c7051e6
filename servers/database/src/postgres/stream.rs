//! The byte stream to a server, which ends before a message that is too large takes memory.
//!
//! The driver buffers each message whole. One value of a gigabyte would thus take a gigabyte before any limit on cells could
//! cut it. This stream reads the headers as they pass (a tag and a length, [protocol, 55.1]) and fails the connection at the
//! header of a message beyond the bound.
//!
//! [protocol, 55.1]: https://www.postgresql.org/docs/current/protocol-overview.html

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// What carries the bytes.
pub(super) enum Carrier {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

/// A stream whose messages are bounded.
pub(super) struct BoundedStream {
    carrier: Carrier,
    headers: Headers,
}

impl BoundedStream {
    pub(super) fn new(carrier: Carrier, max_message_bytes: usize) -> Self {
        Self { carrier, headers: Headers::new(max_message_bytes) }
    }
}

/// A message larger than the bound, as the source of the connection's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of {bytes} bytes is larger than the bound")]
pub(super) struct MessageTooLarge {
    pub(super) bytes: usize,
}

/// Finds the headers in passing bytes.
#[derive(Debug)]
struct Headers {
    max_bytes: usize,
    header: [u8; 5],
    header_len: usize,
    body_left: usize,
}

impl Headers {
    fn new(max_bytes: usize) -> Self {
        Self { max_bytes, header: [0; 5], header_len: 0, body_left: 0 }
    }

    fn pass(&mut self, mut bytes: &[u8]) -> Result<(), MessageTooLarge> {
        while !bytes.is_empty() {
            if self.body_left > 0 {
                let passed = self.body_left.min(bytes.len());
                self.body_left -= passed;
                bytes = &bytes[passed..];
                continue;
            }
            let taken = (self.header.len() - self.header_len).min(bytes.len());
            self.header[self.header_len..self.header_len + taken].copy_from_slice(&bytes[..taken]);
            self.header_len += taken;
            bytes = &bytes[taken..];
            if self.header_len == self.header.len() {
                self.header_len = 0;
                let [_, length @ ..] = self.header;
                // The length counts itself. A smaller one is nonsense that the driver refuses.
                let length = u32::from_be_bytes(length) as usize;
                if length > self.max_bytes {
                    return Err(MessageTooLarge { bytes: length });
                }
                self.body_left = length.saturating_sub(4);
            }
        }
        Ok(())
    }
}

impl AsyncRead for BoundedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(match &mut this.carrier {
            Carrier::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Carrier::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            Carrier::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        })?;
        let passed = this.headers.pass(&buf.filled()[before..]);
        Poll::Ready(passed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)))
    }
}

impl AsyncWrite for BoundedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().carrier {
            Carrier::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Carrier::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
            Carrier::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().carrier {
            Carrier::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Carrier::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Carrier::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().carrier {
            Carrier::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Carrier::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Carrier::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

// The certificate is verified instead of being bound to the password exchange.
impl TlsStream for BoundedStream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl TlsStream for &mut BoundedStream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

/// Gives the driver a stream that is already as encrypted as the settings want it.
pub(super) struct Ready;

impl<S: TlsStream + Unpin> TlsConnect<S> for Ready {
    type Stream = S;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<S, Self::Error>>;

    fn connect(self, stream: S) -> Self::Future {
        std::future::ready(Ok(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[tag][..], &length.to_be_bytes(), body].concat()
    }

    #[test]
    fn the_bound_is_exact_and_reached_before_the_body() {
        let mut headers = Headers::new(104);
        headers.pass(&message(b'D', &[0; 100])).unwrap();
        let large = message(b'D', &[0; 101]);
        assert_eq!(headers.pass(&large[..5]), Err(MessageTooLarge { bytes: 105 }));
    }

    proptest! {
        #[test]
        fn headers_are_found_however_the_bytes_are_cut(
            bodies in prop::collection::vec(0_usize..50, 0..20),
            cut in 1_usize..17,
        ) {
            let mut bytes: Vec<u8> = bodies.iter().flat_map(|&n| message(b'D', &vec![0xff; n])).collect();
            bytes.extend([b'D', 0, 0, 0, 200]);
            let mut headers = Headers::new(150);
            let results: Vec<_> = bytes.chunks(cut).map(|chunk| headers.pass(chunk)).collect();
            let (last, others) = results.split_last().unwrap();
            prop_assert!(others.iter().all(Result::is_ok));
            prop_assert_eq!(*last, Err(MessageTooLarge { bytes: 200 }));
        }
    }
}
