//! Reading a part of a file.
//!
//! Reads by position and never more than asked, whatever size a file claims or has: one that grows, shrinks or lies about its
//! size (as files in `/proc` do) yields what was there at that moment. A line is found by looking through a bounded number of
//! bytes before it.

use std::{fs::File, io, os::unix::fs::FileExt};

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    mime,
    path::TreePath,
    root::{self, Root},
    stop::Stop,
    text::{Encoding, HEAD_BYTES, Layout},
    time,
};
use crate::{
    error::{FilesError, shown},
    limits::Limits,
};

/// The bytes of one step, after which the work asks whether to stop.
const STEP_BYTES: usize = 64 << 10;
/// Looked at beyond a part, to know whether something follows. One character fits.
const LOOK_AHEAD_BYTES: usize = 4;

/// A part of a file, as a caller asks for it: by bytes, by lines, or neither for its beginning.
#[derive(Debug, Clone, Default)]
pub struct ReadRequest {
    /// The file.
    pub path: String,
    /// The byte where the part begins.
    pub offset: Option<u64>,
    /// Bytes wanted at most; `None` takes the default.
    pub limit: Option<usize>,
    /// The line where the part begins, counted from 1.
    pub line: Option<u64>,
    /// Lines wanted at most.
    pub lines: Option<u64>,
}

/// What kind of data a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DataKind {
    /// Text.
    Text,
    /// A PNG, JPEG, GIF or WebP image.
    Image,
    /// Anything else.
    Binary,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct FileContents {
    /// The file.
    pub path: String,
    /// What it holds.
    pub kind: DataKind,
    /// MIME type, from its name and its first bytes.
    pub mime_type: String,
    /// Size of the whole file in bytes.
    pub size_bytes: u64,
    /// When it was last changed, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// The byte where this part begins.
    pub offset: u64,
    /// Whether the file goes on after this part.
    pub truncated: bool,
    /// Where the next part begins: pass this as offset. Absent at the end of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_offset: Option<u64>,
    /// The next line: pass this as line. Only where lines were asked for and this part ends with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_line: Option<u64>,
    /// How the text was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// True where nothing in the file says its encoding and it is no UTF-8: letters beyond ASCII may be wrong.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub encoding_guessed: bool,
    /// True where bytes that are no text in this encoding were replaced by U+FFFD.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub damaged: bool,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The bytes of an image or of binary data.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

/// The part of the file at `path` that is asked for.
pub(crate) fn part(
    root: &Root,
    path: &TreePath,
    request: &ReadRequest,
    limits: &Limits,
    stop: &Stop,
) -> Result<FileContents, FilesError> {
    let by_lines = request.line.is_some() || request.lines.is_some();
    if by_lines && request.offset.is_some() {
        return Err(FilesError::invalid(
            "offset",
            "cannot be combined with line or lines; use one of them",
        ));
    }
    if request.line == Some(0) || request.lines == Some(0) {
        return Err(FilesError::invalid("line", "line and lines are counted from 1"));
    }
    // Judged before the file is opened, so that a wrong call is told the same for every file.
    limits.bytes(request.limit, 0)?;
    let source = Source::open(root, path, limits, stop)?;
    match source.kind {
        DataKind::Text if by_lines => source.lines(request),
        DataKind::Text => {
            let limit = limits.bytes(request.limit, limits.default_read_bytes)?;
            source.text(request.offset.unwrap_or(0), limit)
        }
        kind if by_lines => Err(FilesError::invalid(
            "line",
            format!(
                "{} is {} and has no lines; leave line and lines out",
                shown(&path.shown()),
                kind.name()
            ),
        )),
        DataKind::Image if request.offset.is_none() && request.limit.is_none() => {
            source.whole(limits.max_image_bytes)
        }
        _ if request.offset.is_none() && request.limit.is_none() => {
            source.whole(limits.max_binary_bytes)
        }
        _ => {
            let limit = limits.bytes(request.limit, limits.max_binary_bytes)?;
            source.bytes(request.offset.unwrap_or(0), limit)
        }
    }
}

/// The whole file at `path`, or a refusal where it is larger than one read may be.
pub(crate) fn whole(
    root: &Root,
    path: &TreePath,
    limits: &Limits,
    stop: &Stop,
) -> Result<FileContents, FilesError> {
    let source = Source::open(root, path, limits, stop)?;
    if source.kind != DataKind::Text {
        return source.whole(limits.max_read_bytes);
    }
    let text = source.text(0, limits.max_read_bytes)?;
    if text.truncated { Err(source.too_large(limits.max_read_bytes)) } else { Ok(text) }
}

/// A file that has been opened and looked at.
struct Source<'a> {
    file: File,
    path: &'a TreePath,
    limits: &'a Limits,
    stop: &'a Stop,
    size_bytes: u64,
    modified: Option<String>,
    layout: Layout,
    kind: DataKind,
    mime_type: &'static str,
}

impl<'a> Source<'a> {
    fn open(
        root: &Root,
        path: &'a TreePath,
        limits: &'a Limits,
        stop: &'a Stop,
    ) -> Result<Self, FilesError> {
        let (file, metadata) = root.open_file(path)?;
        let mut source = Self {
            file,
            path,
            limits,
            stop,
            size_bytes: metadata.len(),
            modified: metadata.modified().ok().and_then(|time| time::rfc3339(time.into_std())),
            layout: Layout::Binary,
            kind: DataKind::Binary,
            mime_type: "",
        };
        let head = source.fill(0, HEAD_BYTES)?;
        let name = path.name();
        (source.kind, source.layout, source.mime_type) = match mime::of_image(&head) {
            Some(image) => (DataKind::Image, Layout::Binary, image),
            None => match Layout::detect(&head, mime::of_name(name)) {
                Layout::Binary => (DataKind::Binary, Layout::Binary, mime::of_binary(name)),
                layout => (DataKind::Text, layout, mime::of_text(name)),
            },
        };
        Ok(source)
    }

    /// The bytes from `offset` on, as far as there are any and at most `wanted`.
    fn fill(&self, offset: u64, wanted: usize) -> Result<Vec<u8>, FilesError> {
        // Grows with what is there, not with what is wanted.
        let mut bytes = Vec::new();
        while bytes.len() < wanted {
            self.stop.check()?;
            let from = bytes.len();
            bytes.resize(from + STEP_BYTES.min(wanted - from), 0);
            let at = offset.saturating_add(from as u64);
            // The kernel counts in i64; nothing is beyond that.
            if at > i64::MAX as u64 - STEP_BYTES as u64 {
                bytes.truncate(from);
                break;
            }
            match self.file.read_at(&mut bytes[from..], at) {
                Ok(0) => {
                    bytes.truncate(from);
                    break;
                }
                Ok(read) => bytes.truncate(from + read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => bytes.truncate(from),
                Err(error) => return Err(root::refusal(self.path, &error)),
            }
        }
        Ok(bytes)
    }

    /// The bytes from `offset` on, and whether there are more of them.
    fn fill_and_look(&self, offset: u64, wanted: usize) -> Result<(Vec<u8>, bool), FilesError> {
        let mut bytes = self.fill(offset, wanted + LOOK_AHEAD_BYTES)?;
        let more = bytes.len() > wanted;
        bytes.truncate(wanted);
        if bytes.is_empty() && offset > self.size_bytes {
            let rule = format!("the file has {} bytes; begin before its end", self.size_bytes);
            return Err(FilesError::invalid("offset", rule));
        }
        Ok((bytes, more))
    }

    fn text(&self, offset: u64, limit: usize) -> Result<FileContents, FilesError> {
        let start = self.layout.start();
        let unit = self.layout.unit() as u64;
        let offset = offset.max(start) / unit * unit;
        let (bytes, more) = self.fill_and_look(offset, limit)?;
        Ok(self.decoded(offset, &bytes, more))
    }

    fn decoded(&self, offset: u64, bytes: &[u8], more: bool) -> FileContents {
        let part = self.layout.decode(bytes, offset == self.layout.start(), !more);
        let mut contents =
            self.contents(offset + part.skipped as u64, offset + part.end as u64, more);
        contents.encoding = Some(part.encoding);
        contents.encoding_guessed = part.encoding == Encoding::Windows1252;
        contents.damaged = part.lossy;
        contents.text = Some(part.text);
        contents
    }

    fn lines(&self, request: &ReadRequest) -> Result<FileContents, FilesError> {
        let first = request.line.unwrap_or(1);
        // Whoever says how many lines they want has bounded the answer already.
        let default = if request.lines.is_some() {
            self.limits.max_read_bytes
        } else {
            self.limits.default_read_bytes
        };
        let limit = self.limits.bytes(request.limit, default)?;
        let offset = self.find_line(first)?;
        let (bytes, more) = self.fill_and_look(offset, limit)?;
        let wanted = usize::try_from(request.lines.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let (count, end) = self
            .layout
            .line_ends(&bytes)
            .take(wanted)
            .fold((0, 0), |(count, _), end| (count + 1, end));
        // Whole lines where there is at least one; the rest of the file where it ends before the bounds do.
        let all_lines = count as usize == wanted;
        let end = if end == 0 || (!more && !all_lines) { bytes.len() } else { end };
        let more = more || end < bytes.len();
        let mut contents = self.decoded(offset, &bytes[..end], more);
        if more && count > 0 {
            contents.next_line = Some(first.saturating_add(count));
        }
        Ok(contents)
    }

    /// Where line `wanted` begins.
    fn find_line(&self, wanted: u64) -> Result<u64, FilesError> {
        let start = self.layout.start();
        let (mut line, mut at) = (1, start);
        // Whether the bytes so far end a line: a last line feed begins none, and neither does an empty file.
        let mut ended = true;
        while line < wanted {
            if at - start >= self.limits.max_scanned_bytes {
                return Err(FilesError::TooLarge {
                    what: format!("the distance of line {wanted} from the beginning"),
                    limit: format!("{} bytes", self.limits.max_scanned_bytes),
                    advice: format!(
                        "read on from offset {at}, where line {line} is, or from a guess"
                    ),
                });
            }
            let bytes = self.fill(at, STEP_BYTES)?;
            for end in self.layout.line_ends(&bytes) {
                line += 1;
                if line == wanted
                    && (end < bytes.len() || !self.fill(at + end as u64, 1)?.is_empty())
                {
                    return Ok(at + end as u64);
                }
            }
            if !bytes.is_empty() {
                ended = self.layout.line_ends(&bytes).last() == Some(bytes.len());
            }
            if bytes.len() < STEP_BYTES || line == wanted {
                let lines = if ended { line - 1 } else { line };
                let rule = format!("the file has {lines} lines; begin at one of them");
                return Err(FilesError::invalid("line", rule));
            }
            at += bytes.len() as u64;
        }
        Ok(at)
    }

    fn bytes(&self, offset: u64, limit: usize) -> Result<FileContents, FilesError> {
        let (bytes, more) = self.fill_and_look(offset, limit)?;
        let mut contents = self.contents(offset, offset + bytes.len() as u64, more);
        contents.bytes = bytes;
        // A part of an image is no image.
        if more || offset > 0 {
            contents.kind = DataKind::Binary;
        }
        Ok(contents)
    }

    fn whole(&self, limit: usize) -> Result<FileContents, FilesError> {
        if self.size_bytes > limit as u64 {
            return Err(self.too_large(limit));
        }
        let contents = self.bytes(0, limit)?;
        if contents.truncated { Err(self.too_large(limit)) } else { Ok(contents) }
    }

    fn too_large(&self, limit: usize) -> FilesError {
        FilesError::TooLarge {
            what: format!(
                "{}, {} ({}) of {} bytes,",
                shown(&self.path.shown()),
                self.kind.name(),
                self.mime_type,
                self.size_bytes
            ),
            limit: format!("{limit} bytes for a whole file"),
            advice: "read a part of it: read_file with offset and limit".into(),
        }
    }

    fn contents(&self, offset: u64, end: u64, more: bool) -> FileContents {
        FileContents {
            path: self.path.shown(),
            kind: self.kind,
            mime_type: self.mime_type.to_owned(),
            // It may have grown since it was opened.
            size_bytes: self.size_bytes.max(end),
            modified: self.modified.clone(),
            offset,
            truncated: more,
            next_offset: more.then_some(end),
            next_line: None,
            encoding: None,
            encoding_guessed: false,
            damaged: false,
            text: None,
            bytes: Vec::new(),
        }
    }
}

impl DataKind {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "an image",
            Self::Binary => "binary data",
        }
    }
}
