//! Output: data on stdout, everything else on stderr. What a server sends is shown on a terminal without its control characters,
//! because an escape sequence in a tool's text could rewrite the screen; in a pipe it passes unchanged.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
};

use anyhow::Context;
use base64::{Engine, prelude::BASE64_STANDARD};
use rmcp::model::{ContentBlock, ResourceContents};
use serde_json::Value;

use crate::failure::Failure;

/// Longer cells stand out of their column; one tool with many arguments would push all descriptions off the screen.
const COLUMN_LIMIT: usize = 44;

/// Writes what people and scripts read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    is_terminal: bool,
    has_colour: bool,
}

impl Printer {
    /// A printer for this process's stdout. Colour needs a terminal and no `NO_COLOR` (<https://no-color.org>).
    pub(crate) fn stdout() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { is_terminal, has_colour: is_terminal && !refused }
    }

    /// Whether a person reads along.
    pub(crate) fn is_terminal(self) -> bool {
        self.is_terminal
    }

    /// A heading.
    pub(crate) fn heading(self, text: &str) -> String {
        if self.has_colour {
            format!("\u{1b}[1m{}\u{1b}[0m", self.safe(text))
        } else {
            self.safe(text).into_owned()
        }
    }

    /// Text of the server, fit for where it goes.
    pub(crate) fn safe(self, text: &str) -> Cow<'_, str> {
        if self.is_terminal { printable(text) } else { Cow::Borrowed(text) }
    }

    /// Two or more columns; only the first line of a cell is shown.
    pub(crate) fn table(self, rows: &[Vec<String>]) -> String {
        let cell = |text: &str| self.safe(text.lines().next().unwrap_or_default()).into_owned();
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|text| cell(text)).collect()).collect();
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|text| text.chars().count())
                .filter(|width| *width <= COLUMN_LIMIT)
                .max()
                .unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut table = String::new();
        for row in &rows {
            let cells = row.iter().zip(&widths).map(|(text, width)| format!("{text:width$}"));
            table.push_str("  ");
            table.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            table.push('\n');
        }
        table
    }

    /// One block of content, ending with a line feed.
    pub(crate) fn block(self, block: &ContentBlock) -> String {
        let text = match block {
            ContentBlock::Text(text) => text.text.clone(),
            ContentBlock::Image(image) => {
                format!("[image {}, {}]", image.mime_type, size(&image.data))
            }
            ContentBlock::Audio(audio) => {
                format!("[audio {}, {}]", audio.mime_type, size(&audio.data))
            }
            ContentBlock::Resource(embedded) => resource(&embedded.resource),
            ContentBlock::ResourceLink(link) => format!("[link {} {}]", link.uri, link.name),
            other => pretty(&serde_json::to_value(other).unwrap_or_default()),
        };
        ended(&self.safe(&text))
    }

    /// Structured content.
    pub(crate) fn json(self, value: &Value) -> String {
        // JSON escapes control characters below space itself; the rest of them is escaped here.
        ended(&self.safe(&pretty(value)))
    }
}

/// Text ending with exactly the line feed it has, or one.
pub(crate) fn ended(text: &str) -> String {
    if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

/// An embedded resource: where it is from, then what it says.
pub(crate) fn resource(contents: &ResourceContents) -> String {
    match contents {
        ResourceContents::TextResourceContents { uri, text, .. } => {
            format!("[resource {uri}]\n{text}")
        }
        ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
            let mime_type = mime_type.as_deref().unwrap_or("application/octet-stream");
            format!("[resource {uri} {mime_type}, {}]", size(blob))
        }
        other => pretty(&serde_json::to_value(other).unwrap_or_default()),
    }
}

fn size(base64: &str) -> String {
    match BASE64_STANDARD.decode(base64) {
        Ok(bytes) => format!("{} bytes", bytes.len()),
        Err(_) => "not base64".to_owned(),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The text without control characters, which a terminal would obey, and without the marks that reorder text. Line feeds and
/// tabs stay.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(harmful) {
        Cow::Owned(text.replace(harmful, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Writes to stdout. A reader that has seen enough, such as `head`, is no failure.
///
/// # Errors
/// Anything else that keeps the data from its reader.
pub(crate) fn write(data: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(data).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to stdout"),
    }
}

/// The one object of `--json`.
///
/// # Errors
/// As [`write`].
pub(crate) fn write_json(value: &Value) -> anyhow::Result<()> {
    write(format!("{value}\n").as_bytes())
}

/// Tells a failure and its next step on stderr.
pub(crate) fn tell(failure: &anyhow::Error) {
    let mut text = format!("wharf: {failure:#}\n");
    if let Some(hint) = failure.downcast_ref::<Failure>().and_then(Failure::next_step) {
        text.push_str("hint: ");
        text.push_str(hint);
        text.push('\n');
    }
    note(&text);
}

/// A remark on stderr.
pub(crate) fn note(text: &str) {
    // A closed stderr leaves nobody to tell.
    let _ = io::stderr().write_all(ended(&printable(text)).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIPE: Printer = Printer { is_terminal: false, has_colour: false };
    const TERMINAL: Printer = Printer { is_terminal: true, has_colour: true };

    #[test]
    fn control_characters_stop_at_the_terminal() {
        let hostile = ContentBlock::text("a\u{1b}[31mb\u{9b}c\rd\te\n");
        assert_eq!(TERMINAL.block(&hostile), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d\te\n");
        assert_eq!(PIPE.block(&hostile), "a\u{1b}[31mb\u{9b}c\rd\te\n");
    }

    #[test]
    fn blobs_are_described() {
        assert_eq!(
            PIPE.block(&ContentBlock::image("AAAA", "image/png")),
            "[image image/png, 3 bytes]\n"
        );
        assert_eq!(
            PIPE.block(&ContentBlock::image("~", "image/png")),
            "[image image/png, not base64]\n"
        );
    }

    #[test]
    fn tables_line_up() {
        let rows = [vec!["a".into(), "first\nsecond".into()], vec!["longer".into(), String::new()]];
        assert_eq!(PIPE.table(&rows), "  a       first\n  longer\n");
        let long = vec!["x".repeat(COLUMN_LIMIT + 1), "third".into()];
        let table = PIPE.table(&[rows[0].clone(), long]);
        assert!(table.starts_with("  a  first\n") && table.ends_with("x  third\n"), "{table}");
        assert_eq!(PIPE.table(&[]), "");
    }

    #[test]
    fn only_terminals_get_colour() {
        assert_eq!(PIPE.heading("x"), "x");
        assert_eq!(TERMINAL.heading("x"), "\u{1b}[1mx\u{1b}[0m");
    }
}
