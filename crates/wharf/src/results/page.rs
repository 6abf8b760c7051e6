//! One page as the store keeps it: a kind, how many pages there are, the type, and the text.

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
}

impl<'a> Page<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mime_type = self.mime_type.as_bytes();
        let mut out = Vec::with_capacity(6 + mime_type.len() + self.chunk.len());
        out.push(if self.is_text { b't' } else { b'b' });
        out.extend_from_slice(&self.pages.to_le_bytes());
        // Never longer: see `Piece::new`.
        out.push(mime_type.len() as u8);
        out.extend_from_slice(mime_type);
        out.extend_from_slice(self.chunk.as_bytes());
        out
    }

    /// None for what is no page: another version may have written it.
    pub(super) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let ([kind, pages @ .., mime_len], rest) = bytes.split_first_chunk::<6>()?;
        let (mime_type, chunk) = rest.split_at_checked(usize::from(*mime_len))?;
        let is_text = match kind {
            b't' => true,
            b'b' => false,
            _ => return None,
        };
        Some(Self {
            is_text,
            mime_type: Cow::Borrowed(std::str::from_utf8(mime_type).ok()?),
            chunk: std::str::from_utf8(chunk).ok()?,
            pages: u32::from_le_bytes(*pages),
        })
    }
}
