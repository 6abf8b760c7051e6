//! Cuts what a peer sends into lines, of bounded length. A line that is too long is thrown away up to its end, unread.

use bytes::{Bytes, BytesMut};

use crate::protocol::RpcError;

/// What is read at once, in bytes.
const READ_BYTES: usize = 64 * 1024;

/// Cuts a byte stream into lines without copying them.
pub(super) struct Lines {
    buffer: BytesMut,
    /// Bytes at the front that are known to hold no line end.
    searched: usize,
    max: usize,
    /// Inside a line that was too long: dropped up to its end.
    skipping: bool,
}

impl Lines {
    pub(super) fn new(max: usize) -> Self {
        Self { buffer: BytesMut::new(), searched: 0, max, skipping: false }
    }

    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        self.buffer.reserve(READ_BYTES);
        &mut self.buffer
    }

    pub(super) fn next(&mut self) -> Option<Result<Bytes, RpcError>> {
        loop {
            let Some(end) = memchr::memchr(b'\n', &self.buffer[self.searched..]) else {
                self.searched = self.buffer.len();
                if self.buffer.len() > self.max {
                    self.buffer.clear();
                    self.searched = 0;
                    if !std::mem::replace(&mut self.skipping, true) {
                        return Some(Err(self.too_long()));
                    }
                }
                return None;
            };
            let mut line = self.buffer.split_to(self.searched + end + 1);
            self.searched = 0;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            line.truncate(line.len() - 1);
            if line.last() == Some(&b'\r') {
                line.truncate(line.len() - 1);
            }
            if line.len() > self.max {
                return Some(Err(self.too_long()));
            }
            return Some(Ok(line.freeze()));
        }
    }

    fn too_long(&self) -> RpcError {
        RpcError::invalid_request(format!(
            "the message is longer than {} bytes, the most allowed",
            self.max
        ))
    }

    /// What is left at the end of the input, when it is a whole message that only lacks its line end. Half a message is
    /// not executed.
    pub(super) fn rest(&mut self) -> Option<Bytes> {
        let rest = self.buffer.split().freeze();
        let whole =
            !self.skipping && serde_json::from_slice::<serde::de::IgnoredAny>(&rest).is_ok();
        whole.then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(max: usize, chunks: &[&[u8]]) -> Vec<Result<String, i32>> {
        let mut lines = Lines::new(max);
        let mut out = Vec::new();
        for chunk in chunks {
            lines.buffer().extend_from_slice(chunk);
            while let Some(line) = lines.next() {
                out.push(
                    line.map(|line| String::from_utf8_lossy(&line).into_owned())
                        .map_err(|error| error.code),
                );
            }
        }
        out
    }

    #[test]
    fn lines_are_cut_wherever_the_chunks_end() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(cut(9, &[b"a\nb", b"c\r\n\n", b"d"]), [ok("a"), ok("bc"), ok("")]);
        assert_eq!(cut(3, &[b"abc\nabcd\nx\n"]), [ok("abc"), Err(-32600), ok("x")]);
        assert_eq!(cut(3, &[b"aaaaaa", b"aaaa", b"aa\nx\n"]), [Err(-32600), ok("x")]);
    }

    #[test]
    fn half_a_message_at_the_end_is_dropped() {
        let check = |text: &[u8], whole: bool| {
            let mut lines = Lines::new(100);
            lines.buffer().extend_from_slice(text);
            assert_eq!(lines.rest().is_some(), whole);
        };
        check(b"{\"a\":1}", true);
        check(b"{\"a\":1", false);
        check(b"", false);
    }
}
