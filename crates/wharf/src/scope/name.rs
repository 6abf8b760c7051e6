//! The name of a scope, checked once.

use std::{fmt, str::FromStr, sync::Arc};

/// Longest scope or pattern, in bytes.
pub(super) const MAX_BYTES: usize = 256;
/// The words that are scopes without a colon.
pub(super) const WORDS: [&str; 4] = ["tools", "resources", "prompts", "admin"];

/// What an author demands of callers, such as `issues:write`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(Arc<str>);

/// A text is no scope. Does not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a scope is two names and a colon, such as issues:write or github:create_issue, or one of tools, resources, \
     prompts, admin; at most 256 ASCII characters without spaces, quotes, backslashes, commas, '%', '*' and a leading '!'"
)]
pub struct ScopeError;

impl Scope {
    /// A checked scope.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(text: &str) -> Result<Self, ScopeError> {
        let parts = text.split_once(':');
        let named = parts.is_some_and(|(left, right)| !left.is_empty() && !right.is_empty());
        let good = (named || WORDS.contains(&text))
            && text.len() <= MAX_BYTES
            && !text.starts_with('!')
            && text.bytes().all(|byte| is_scope_byte(byte) && byte != b'*');
        if good { Ok(Self(text.into())) } else { Err(ScopeError) }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the scope of administration.
    pub(super) fn is_admin(&self) -> bool {
        &*self.0 == "admin"
    }
}

/// The alphabet of OAuth's scope tokens (RFC 6749 section 3.3), so that every scope can stand in a challenge; without the
/// comma, which separates patterns in key files, and `%`, since URIs are compared after decoding.
pub(super) fn is_scope_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"\\,%".contains(&byte)
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Self::new(text)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_names_and_not_patterns() {
        for good in ["issues:write", "tools", "admin", "github:create_issue", "a:b:c", "a:x://y"] {
            assert_eq!(Scope::new(good).unwrap().as_str(), good);
        }
        let long = format!("a:{}", "b".repeat(MAX_BYTES));
        for bad in [
            "", ":", "a:", ":a", "tool", "a:*", "*", "!a:b", "a: b", "a:\"b", "a:b,c", "a:%20",
            "a:é", "a:\u{0}", &long,
        ] {
            assert_eq!(Scope::new(bad), Err(ScopeError), "{bad:?}");
        }
    }
}
