//! An incremental reader of HTTP/1.1 responses.
//!
//! It understands what the measured servers send: a length or chunks, keep-alive, an
//! `Mcp-Session-Id`. It is no general HTTP client; anything else is an error.

use anyhow::Context;
use memchr::memmem::find;

/// The head of a response.
pub struct Head {
    /// The status code.
    pub status: u16,
    /// The server closes the connection after this response.
    pub closes: bool,
    /// The session that the server opened.
    pub session: Option<String>,
    end: usize,
    length: usize,
    chunked: bool,
}

/// Collects bytes until one response is complete.
#[derive(Default)]
pub struct Reader {
    buffer: Vec<u8>,
    head: Option<Head>,
    unchunked: Vec<u8>,
    position: usize,
}

impl Reader {
    /// Adds bytes from the connection; true when one response is complete.
    pub fn feed(&mut self, bytes: &[u8]) -> anyhow::Result<bool> {
        self.buffer.extend_from_slice(bytes);
        if self.head.is_none() {
            let Some(end) = find(&self.buffer, b"\r\n\r\n") else { return Ok(false) };
            self.head = Some(parse_head(&self.buffer[..end])?);
            self.position = end + 4;
        }
        match &self.head {
            Some(head) if head.chunked => self.unchunk(),
            Some(head) => Ok(self.buffer.len() >= head.end + head.length),
            None => Ok(false),
        }
    }

    /// The head and the body of a complete response.
    pub fn response(&self) -> Option<(&Head, &[u8])> {
        let head = self.head.as_ref()?;
        let body = if head.chunked {
            &self.unchunked[..]
        } else {
            &self.buffer[head.end..head.end + head.length]
        };
        Some((head, body))
    }

    /// Forgets the response, keeps the memory.
    pub fn reset(&mut self) {
        self.buffer.clear();
        self.unchunked.clear();
        self.head = None;
        self.position = 0;
    }

    fn unchunk(&mut self) -> anyhow::Result<bool> {
        loop {
            let rest = &self.buffer[self.position..];
            let Some(end) = find(&rest[..rest.len().min(40)], b"\r\n") else { return Ok(false) };
            let size = std::str::from_utf8(&rest[..end])?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).context("chunk size")?;
            if size == 0 {
                return Ok(rest.len() >= end + 4);
            }
            if rest.len() < end + 2 + size + 2 {
                return Ok(false);
            }
            self.unchunked.extend_from_slice(&rest[end + 2..end + 2 + size]);
            self.position += end + 2 + size + 2;
        }
    }
}

fn parse_head(bytes: &[u8]) -> anyhow::Result<Head> {
    let text = std::str::from_utf8(bytes)?;
    let status = text.get(9..12).context("no status line")?.parse().context("status")?;
    let mut head = Head {
        status,
        closes: false,
        session: None,
        end: bytes.len() + 4,
        length: 0,
        chunked: false,
    };
    for line in text.split("\r\n").skip(1) {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            head.length = value.parse().context("content-length")?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            head.chunked = value.eq_ignore_ascii_case("chunked");
        } else if name.eq_ignore_ascii_case("connection") {
            head.closes = value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("mcp-session-id") {
            head.session = Some(value.to_owned());
        }
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds a response byte by byte, as the slowest network would.
    fn read(text: &str) -> (u16, String) {
        let mut reader = Reader::default();
        for (n, byte) in text.bytes().enumerate() {
            let done = reader.feed(&[byte]).unwrap();
            assert_eq!(done, n + 1 == text.len(), "after {} bytes", n + 1);
        }
        let (head, body) = reader.response().unwrap();
        (head.status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn responses_end_where_they_say() {
        let check = |text: &str, status: u16, body: &str| {
            assert_eq!(read(text), (status, body.to_owned()));
        };
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi");
        check("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", 202, "");
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1;x=y\r\n!\r\n0\r\n\r\n",
            200,
            "hi!",
        );
    }
}
