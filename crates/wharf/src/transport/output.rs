//! What waits for a peer to read it. Messages are gathered, so that a burst of answers leaves in one write, and no more than
//! what waits is held: one buffer that doubles would hold three times as much while it grows.

use std::{collections::VecDeque, io};

use bytes::BytesMut;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Bytes that are gathered in one buffer.
const CHUNK_BYTES: usize = 256 * 1024;

/// Lines in order.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// None is empty but, perhaps, the only one.
    chunks: VecDeque<BytesMut>,
    length: usize,
}

impl Output {
    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds a message and its line end.
    pub(super) fn push_line(&mut self, message: &[u8]) {
        let added = message.len() + 1;
        let fits = |chunk: &BytesMut| chunk.is_empty() || chunk.len() + added <= CHUNK_BYTES;
        if !self.chunks.back().is_some_and(fits) {
            // The first one grows with what a peer that reads at once leaves in it, which is little.
            let capacity = if self.chunks.is_empty() { added } else { added.max(CHUNK_BYTES) };
            self.chunks.push_back(BytesMut::with_capacity(capacity));
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.reserve(added);
            chunk.extend_from_slice(message);
            chunk.extend_from_slice(b"\n");
            self.length += added;
        }
    }

    /// Writes what the peer takes now, or waits until it takes something. Cancel-safe: a dropped future has written nothing.
    ///
    /// # Errors
    /// When writing fails, or the peer takes nothing any more.
    pub(super) async fn write_to<W: AsyncWrite + Unpin>(
        &mut self,
        writer: &mut W,
    ) -> io::Result<()> {
        let Some(chunk) = self.chunks.front_mut() else { return Ok(()) };
        let written = writer.write_buf(chunk).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.length -= written;
        if chunk.is_empty() && self.chunks.len() > 1 {
            self.chunks.pop_front();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt;

    use super::*;

    /// Capacity of all buffers.
    fn held(output: &Output) -> usize {
        output.chunks.iter().map(BytesMut::capacity).sum()
    }

    #[tokio::test]
    async fn no_more_is_held_than_what_waits_and_a_little() {
        let mut output = Output::default();
        let line = [b'x'; 1000];
        while output.len() < 16 << 20 {
            output.push_line(&line);
            assert!(held(&output) <= output.len() * 5 / 4 + 2 * CHUNK_BYTES, "{}", held(&output));
        }
        let mut sink = tokio::io::sink();
        while !output.is_empty() {
            output.write_to(&mut sink).await.unwrap();
            assert!(held(&output) <= output.len() * 5 / 4 + 2 * CHUNK_BYTES);
        }
        assert_eq!(output.chunks.len(), 1, "one is kept for the next burst");
    }

    #[tokio::test]
    async fn a_burst_leaves_in_one_write() {
        let mut output = Output::default();
        (0..100).for_each(|_| output.push_line(b"answer"));
        output.write_to(&mut tokio::io::sink()).await.unwrap();
        assert!(output.is_empty());
    }

    #[tokio::test]
    async fn a_peer_that_is_gone_is_an_error() {
        let mut output = Output::default();
        output.push_line(b"answer");
        let (mut near, far) = tokio::io::duplex(1);
        drop(far);
        assert!(output.write_to(&mut near).await.is_err());
    }

    proptest! {
        #[test]
        fn lines_arrive_whole_and_in_order(sizes in prop::collection::vec(0usize..600_000, 0..8), room in 1usize..100_000) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (mut near, mut far) = tokio::io::duplex(room);
                let lines: Vec<_> = sizes.iter().zip(b'a'..).map(|(size, byte)| vec![byte; *size]).collect();
                let mut output = Output::default();
                lines.iter().for_each(|line| output.push_line(line));
                let writing = async {
                    while !output.is_empty() {
                        output.write_to(&mut near).await.unwrap();
                    }
                    drop(near);
                };
                let mut received = Vec::new();
                let (_, read) = tokio::join!(writing, far.read_to_end(&mut received));
                read.unwrap();
                let expected: Vec<u8> =
                    lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect();
                assert!(received == expected);
            });
        }
    }
}
