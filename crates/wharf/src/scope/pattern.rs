//! One pattern of an operator: `tools`, `database:execute_*`, `!github:delete_*`.

use super::{
    glob::Glob,
    name::{MAX_BYTES, Scope, WORDS, is_scope_byte},
    target::{Target, TargetKind},
};

/// Why a text is no pattern. Never repeats the text: a key may stand where a pattern was wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{reason}; accepted are *, tools, resources, prompts, admin, SERVER:*, SERVER:ITEM and a scope such as issues:write, \
     where ITEM may have * in it, each with a leading ! to deny"
)]
#[non_exhaustive]
pub struct PatternError {
    /// Which of several patterns it is, from 0.
    pub index: usize,
    reason: String,
}

impl PatternError {
    pub(super) fn new(index: usize, reason: impl Into<String>) -> Self {
        Self { index, reason: reason.into() }
    }

    /// What is wrong, without what would be accepted.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// What a pattern covers.
#[derive(Debug, Clone)]
enum Covers {
    Everything,
    Kind(TargetKind),
    Items { server: Glob, item: Glob },
}

/// A parsed pattern, without its `!`.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    text: Box<str>,
    covers: Covers,
}

impl Pattern {
    /// # Errors
    /// With what is wrong with the text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("a pattern is empty".into());
        }
        if text.len() > MAX_BYTES {
            return Err(format!("a pattern has more than {MAX_BYTES} bytes"));
        }
        if text.starts_with('!') {
            return Err("a pattern has two exclamation marks".into());
        }
        if !text.bytes().all(is_scope_byte) {
            return Err("a pattern has a space, a comma, a quote, a backslash, '%' or a character beyond ASCII in it; write * for it".into());
        }
        let covers = match (text, text.split_once(':')) {
            ("*", _) => Covers::Everything,
            ("tools", _) => Covers::Kind(TargetKind::Tool),
            ("resources", _) => Covers::Kind(TargetKind::Resource),
            ("prompts", _) => Covers::Kind(TargetKind::Prompt),
            ("admin", _) => Covers::Kind(TargetKind::Admin),
            (_, Some((server, item))) if !server.is_empty() && !item.is_empty() => {
                Covers::Items { server: Glob::new(server), item: Glob::new(item) }
            }
            (_, Some(_)) => return Err("a pattern has nothing before or after its colon".into()),
            (_, None) => return Err(unknown_word(text)),
        };
        Ok(Self { text: text.into(), covers })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_everything(&self) -> bool {
        matches!(self.covers, Covers::Everything)
    }

    /// Whether the target itself is covered. Administration is no item of a server: only `admin` and `*` cover it.
    pub(super) fn covers(&self, target: &Target<'_>, is_ambiguous: bool) -> bool {
        match &self.covers {
            Covers::Everything => true,
            Covers::Kind(kind) => *kind == target.kind,
            Covers::Items { server, item } => {
                target.kind != TargetKind::Admin
                    && server.matches(target.server.bytes())
                    && (item.is_everything() || !is_ambiguous && item.matches(target.bytes()))
            }
        }
    }

    /// Whether a denial with this pattern meets the target: one that can't be told apart from what is denied is denied, and
    /// so is whatever demands a denied scope.
    pub(super) fn denies(&self, target: &Target<'_>, is_ambiguous: bool) -> bool {
        let meets = match &self.covers {
            Covers::Items { server, .. } if is_ambiguous => server.matches(target.server.bytes()),
            _ => self.covers(target, is_ambiguous),
        };
        meets || target.scopes.iter().any(|scope| self.names(scope))
    }

    /// Whether a template could stand for something covered.
    pub(super) fn may_cover(&self, template: &Target<'_>) -> bool {
        match &self.covers {
            Covers::Items { server, item } => {
                let literal = template.item.split('{').next().unwrap_or_default().as_bytes();
                let prefix = item.prefix();
                let common = prefix.len().min(literal.len());
                server.matches(template.server.bytes()) && prefix[..common] == literal[..common]
            }
            _ => self.covers(template, false),
        }
    }

    /// Whether a grant of this pattern is the scope. No glob is: `issues:*` is meant for a server, and must not open what
    /// another server guards with `issues:write`.
    pub(super) fn is_scope(&self, scope: &Scope) -> bool {
        *self.text == *scope.as_str()
    }

    /// Whether a grant of this pattern gives everything of the target's server, its scopes among them.
    pub(super) fn gives_all_of_server(&self, target: &Target<'_>) -> bool {
        match &self.covers {
            Covers::Everything => true,
            Covers::Kind(_) => false,
            Covers::Items { server, item } => {
                item.is_everything()
                    && target.kind != TargetKind::Admin
                    && server.matches(target.server.bytes())
            }
        }
    }

    /// Whether the pattern, read as one for scopes, names this scope.
    fn names(&self, scope: &Scope) -> bool {
        match (&self.covers, scope.as_str().split_once(':')) {
            (Covers::Everything, _) => true,
            (Covers::Items { server, item }, Some((left, right))) => {
                server.matches(left.bytes()) && item.matches(right.bytes())
            }
            _ => self.is_scope(scope),
        }
    }

    /// Whether it has no star anywhere, so that it may be meant as a scope.
    pub(super) fn is_literal(&self) -> bool {
        match &self.covers {
            Covers::Everything => false,
            Covers::Kind(_) => true,
            Covers::Items { server, item } => server.is_literal() && item.is_literal(),
        }
    }
}

fn unknown_word(text: &str) -> String {
    let near = WORDS
        .iter()
        .map(|word| (strsim::damerau_levenshtein(text, word), word))
        .filter(|(distance, _)| *distance <= 2)
        .min();
    match near {
        Some((_, word)) => {
            format!("a pattern without a colon is none of the known words; did you mean {word}?")
        }
        None => "a pattern without a colon is none of the known words".into(),
    }
}
