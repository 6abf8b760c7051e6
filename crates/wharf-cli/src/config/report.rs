//! What is wrong with a configuration, shown where it is wrong.
//!
//! Every problem is told at once, so that nobody repairs a file one start at a time. The source text that a report quotes
//! has been masked before it comes here, and no message repeats a value of a secret key.

use std::{fmt, ops::Range};

use annotate_snippets::{
    AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str,
};

/// Problems shown in one report; the rest are counted.
const MAX_SHOWN: usize = 20;
/// Columns that a quoted line may take. Fixed, so that reports are the same everywhere.
const WIDTH: usize = 120;

/// Where a problem is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// These bytes of the file.
    Span(Range<usize>),
    /// This line and column of a file that can't be quoted, counted from 1.
    Position(usize, usize),
    /// The file as a whole.
    File,
    /// This environment variable, or this option of the command line.
    Variable(String),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    at: At,
    title: String,
    label: Option<String>,
    notes: Vec<String>,
}

impl Problem {
    pub(super) fn new(at: At, title: impl Into<String>) -> Self {
        Self { at, title: title.into(), label: None, notes: Vec::new() }
    }

    /// What stands at the caret; for a variable, below its name.
    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// A line below.
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// What orders a report: the file from top to bottom, then the environment.
    fn order(&self) -> (usize, &str) {
        match &self.at {
            At::File | At::Position(..) => (0, ""),
            At::Span(span) => (span.start, ""),
            At::Variable(name) => (usize::MAX, name),
        }
    }

    fn group<'a>(&'a self, file: &'a str, source: &'a str) -> Group<'a> {
        let group = Group::with_title(Level::ERROR.primary_title(self.title.as_str()));
        let label = self.label.as_deref();
        let group = match &self.at {
            At::Span(span) => {
                let annotation = AnnotationKind::Primary.span(clamp(span, source)).label(label);
                group.element(Snippet::source(source).path(file).annotation(annotation))
            }
            At::Position(line, column) => {
                group.element(Origin::path(file).line(*line).char_column(*column))
            }
            At::File => group.element(Origin::path(file)),
            At::Variable(name) => {
                let place = match name.strip_prefix("--") {
                    Some("SERVER") => "command line SERVER".to_owned(),
                    Some(_) => format!("command line {}", clean(name)),
                    None => format!("environment variable {}", clean(name)),
                };
                group.element(Origin::path(place))
            }
        };
        // Only a snippet can carry a label.
        let label = label.filter(|_| !matches!(self.at, At::Span(_)));
        let notes = label.into_iter().chain(self.notes.iter().map(String::as_str));
        group.elements(notes.map(|note| Level::NOTE.no_name().message(clean(note))))
    }
}

/// Nothing that a terminal would obey.
fn clean(text: &str) -> String {
    normalize_untrusted_str(text)
}

/// The same range, inside the text and on its character boundaries, whatever the parser said.
fn clamp(span: &Range<usize>, source: &str) -> Range<usize> {
    let start = source.floor_char_boundary(span.start);
    let end = source.ceil_char_boundary(span.end.max(start));
    start..end
}

/// Why there are no settings: everything that is wrong, with its place and what would be right.
#[derive(Debug, Clone)]
pub(crate) struct ConfigError {
    file: String,
    /// The text of the file with everything masked that may be secret.
    masked: String,
    problems: Vec<Problem>,
}

impl ConfigError {
    /// `masked` must hold no secret: its lines are quoted.
    pub(super) fn new(file: String, masked: String, mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|left, right| left.order().cmp(&right.order()));
        problems.dedup();
        Self { file: clean(&file), masked, problems }
    }

    /// The report, in colour for a terminal when asked.
    pub(crate) fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.term_width(WIDTH);
        let shown: Vec<String> = self
            .problems
            .iter()
            .take(MAX_SHOWN)
            .map(|problem| renderer.render(&[problem.group(&self.file, &self.masked)]))
            .collect();
        let mut report = shown.join("\n\n");
        let hidden = self.problems.len().saturating_sub(MAX_SHOWN);
        if hidden > 0 {
            report.push_str(&format!("\n\n... and {hidden} more errors"));
        }
        report
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ConfigError {}

/// "did you mean `listen`?", when one of `known` is near.
pub(super) fn did_you_mean<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    // Nobody misspells a key by this much, and the distance of a huge key is dear.
    if written.len() > 64 {
        return None;
    }
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&written.to_lowercase(), known), known))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, known)| format!("did you mean `{known}`?"))
}
