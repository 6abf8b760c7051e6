//! One page as the store keeps it: a kind, how many pages there are, the tool that made it, the type, and the text.

use std::borrow::Cow;

/// Longest type, in bytes.
pub(super) const MAX_MIME_BYTES: usize = 127;

/// What a page takes beside its text, at most.
pub(super) const OVERHEAD_BYTES: usize = 1024;

/// A part of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page<'a> {
    /// Text, or else base64.
    pub(super) is_text: bool,
    pub(super) mime_type: Cow<'a, str>,
    pub(super) chunk: &'a str,
    /// How many there are.
    pub(super) pages: u32,
    /// Which tool made it. A page is for who may use that.
    pub(super) tool: &'a str,
}

impl<'a> Page<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let (tool, mime_type) = (self.tool.as_bytes(), self.mime_type.as_bytes());
        let mut out = Vec::with_capacity(7 + tool.len() + mime_type.len() + self.chunk.len());
        out.push(if self.is_text { b't' } else { b'b' });
        out.extend_from_slice(&self.pages.to_le_bytes());
        // Never longer than a byte tells: see `Piece::new`, and what a tool may be called.
        for part in [tool, mime_type] {
            out.push(part.len() as u8);
            out.extend_from_slice(part);
        }
        out.extend_from_slice(self.chunk.as_bytes());
        out
    }

    /// None for what is no page: another version may have written it.
    pub(super) fn decode(bytes: &'a [u8]) -> Option<Self> {
        fn part(bytes: &[u8]) -> Option<(&str, &[u8])> {
            let (len, rest) = bytes.split_first()?;
            let (part, rest) = rest.split_at_checked(usize::from(*len))?;
            Some((std::str::from_utf8(part).ok()?, rest))
        }
        let ([kind, pages @ ..], rest) = bytes.split_first_chunk::<5>()?;
        let (tool, rest) = part(rest)?;
        let (mime_type, chunk) = part(rest)?;
        let is_text = match kind {
            b't' => true,
            b'b' => false,
            _ => return None,
        };
        let chunk = std::str::from_utf8(chunk).ok()?;
        let pages = u32::from_le_bytes(*pages);
        Some(Self { is_text, mime_type: Cow::Borrowed(mime_type), chunk, pages, tool })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_as_it_was_written_and_nothing_else_is_one() {
        let page = Page {
            is_text: true,
            mime_type: "text/plain".into(),
            chunk: "some é text",
            pages: 70_000,
            tool: "search",
        };
        let bytes = page.encode();
        assert_eq!(Page::decode(&bytes), Some(page));
        // A text that ends early is a page with less text; everything before it must be whole.
        for len in 0..7 + "search".len() + "text/plain".len() {
            assert_eq!(Page::decode(&bytes[..len]), None, "{len}");
        }
        assert_eq!(Page::decode(&[b"x", &bytes[1..]].concat()), None);
        assert_eq!(Page::decode(&[&bytes[..], b"\xff"].concat()), None);
    }
}
