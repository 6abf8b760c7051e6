//! What a result lacks: texts and bytes, cut into pages.

use std::borrow::Cow;

use super::page::{MAX_MIME_BYTES, OVERHEAD_BYTES, Page};
use crate::layers::text_boundary;

/// One text, or bytes, of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    mime_type: String,
    data: Data,
    is_structured: bool,
}

/// What a piece holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Data {
    Text(String),
    /// Base64 with padding, as the wire carries bytes.
    Base64(String),
}

impl Piece {
    pub(crate) fn new(mime_type: &str, data: Data) -> Self {
        // A type that does not fit into a page is none that a client knows.
        let mime_type = match mime_type.len() {
            0..=MAX_MIME_BYTES => mime_type.to_owned(),
            _ => "application/octet-stream".to_owned(),
        };
        Self { mime_type, data, is_structured: false }
    }

    /// The whole structured content.
    pub(crate) fn structured(json: &str) -> Self {
        let data = Data::Text(json.to_owned());
        Self { is_structured: true, ..Self::new("application/json", data) }
    }

    pub(crate) fn is_structured(&self) -> bool {
        self.is_structured
    }

    /// Cuts pages of at most `page_bytes` until `left` bytes are used up; false when there was more.
    pub(super) fn pages<'a>(
        &'a self,
        tool: &'a str,
        page_bytes: usize,
        left: &mut usize,
        pages: &mut Vec<Page<'a>>,
    ) -> bool {
        let (mut rest, is_text) = match &self.data {
            Data::Text(text) => (&**text, true),
            Data::Base64(text) => (&**text, false),
        };
        while !rest.is_empty() {
            let most = page_bytes.min(left.saturating_sub(OVERHEAD_BYTES));
            let end = match is_text {
                true => text_boundary(rest, most),
                // Each page is base64 of its own; handlers may have put anything there, so the end must be found.
                false => rest.floor_char_boundary((most / 4 * 4).min(rest.len())),
            };
            if end == 0 {
                return false;
            }
            let (chunk, after) = rest.split_at(end);
            *left -= end + OVERHEAD_BYTES;
            rest = after;
            let mime_type = Cow::Borrowed(&*self.mime_type);
            pages.push(Page { is_text, mime_type, chunk, pages: 0, tool });
        }
        true
    }
}
