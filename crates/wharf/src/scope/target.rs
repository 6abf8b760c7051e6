//! What somebody wants to use.

use super::name::Scope;

/// What kind of thing a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TargetKind {
    /// A tool, by its name.
    Tool,
    /// A resource, by its URI.
    Resource,
    /// A prompt, by its name.
    Prompt,
    /// Administration, by the name of what is done.
    Admin,
}

/// What somebody wants to use: an item of a server, and what its author demands for it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Target<'a> {
    /// The name that configuration gives the server.
    pub server: &'a str,
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name; for a resource the URI as the client wrote it.
    pub item: &'a str,
    /// What its author declared with `scopes(..)`; all are demanded.
    pub scopes: &'a [Scope],
}

impl<'a> Target<'a> {
    /// A target.
    pub fn new(server: &'a str, kind: TargetKind, item: &'a str, scopes: &'a [Scope]) -> Self {
        Self { server, kind, item, scopes }
    }

    /// What a caller would have to hold, separated by spaces as a `WWW-Authenticate` challenge wants it
    /// (RFC 6750 section 3). Characters that can't stand there are `*`.
    pub fn needed(&self) -> String {
        if !self.scopes.is_empty() {
            let scopes: Vec<&str> = self.scopes.iter().map(Scope::as_str).collect();
            return scopes.join(" ");
        }
        if self.kind == TargetKind::Admin {
            return "admin".to_owned();
        }
        let safe = |c: char| match u8::try_from(c) {
            Ok(byte) if super::name::is_scope_byte(byte) => c,
            _ => '*',
        };
        format!("{}:{}", self.server, self.item)
            .chars()
            .take(super::name::MAX_BYTES)
            .map(safe)
            .collect()
    }

    /// The bytes that patterns are compared with: those of a URI decoded, so that `%73ecret` is `secret`.
    pub(super) fn bytes(&self) -> Decoded<'a> {
        Decoded { rest: self.item.as_bytes(), decodes: self.kind == TargetKind::Resource }
    }

    /// Whether a URI has another spelling that means the same to whoever resolves paths: `.` and `..` segments, and empty
    /// ones. No pattern can be trusted to cover it.
    pub(super) fn is_ambiguous(&self) -> bool {
        if self.kind != TargetKind::Resource {
            return false;
        }
        let authority = self.item.find("://").map_or(0, |at| at + 3);
        let (head, tail) = self.item.split_at(authority);
        // The path begins at the first slash behind the authority, which may be empty: `file:///`.
        let mut segment = if head.is_empty() { Segment::Empty } else { Segment::Other };
        for byte in (Decoded { rest: tail.as_bytes(), decodes: true }) {
            segment = match (byte, segment) {
                (b'/' | b'\\', Segment::Empty | Segment::Dots) => return true,
                (b'/' | b'\\', _) => Segment::Empty,
                // What follows is no path, but servers may take it for one: it is looked at likewise.
                (b'?' | b'#', Segment::Dots) => return true,
                (b'.', Segment::Empty) => Segment::Dots,
                (b'.', Segment::Dots) => Segment::Dots,
                _ => Segment::Other,
            };
        }
        segment == Segment::Dots
    }
}

/// What has been read of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Segment {
    Empty,
    Dots,
    Other,
}

/// Bytes, percent-decoded where the text is a URI. A `%` that no two digits follow is itself.
#[derive(Debug, Clone)]
pub(super) struct Decoded<'a> {
    rest: &'a [u8],
    decodes: bool,
}

impl Iterator for Decoded<'_> {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        if *first == b'%' && self.decodes {
            let digit = |at: usize| rest.get(at).and_then(|byte| char::from(*byte).to_digit(16));
            if let (Some(high), Some(low)) = (digit(0), digit(1)) {
                self.rest = &rest[2..];
                return u8::try_from(high << 4 | low).ok();
            }
        }
        Some(*first)
    }
}

/// Why a target can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal<'a> {
    /// A denial covers it.
    Denied,
    /// The caller lacks this scope, which the author demands.
    MissingScope(&'a Scope),
    /// Nothing that the caller holds covers it; [`Target::needed`] names what would.
    NotGranted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_two_spellings_are_ambiguous() {
        let check = |uri: &str, expected: bool| {
            let target = Target::new("files", TargetKind::Resource, uri, &[]);
            assert_eq!(target.is_ambiguous(), expected, "{uri}");
        };
        check("file:///a/b.txt", false);
        check("file:///", false);
        check("file:///a/", false);
        check("note://x", false);
        check("note://.hidden/a..b", false);
        check("https://h/a?b=c/d", false);
        check("urn:a:b", false);
        check("file:///a/../b", true);
        check("file:///a/%2e%2E/b", true);
        check("file:///a/..", true);
        check("file:///./a", true);
        check("file:///a//b", true);
        check("file:////b", true);
        check("file:///a/%2fb", true);
        check("file:///a/..\\b", true);
        check("file:///a/..?x", true);
        check("../b", true);
    }

    #[test]
    fn percent_encoding_is_undone_once() {
        let decoded = |uri: &str| {
            let target = Target::new("s", TargetKind::Resource, uri, &[]);
            String::from_utf8(target.bytes().collect()).unwrap()
        };
        assert_eq!(decoded("a%20b%2Fc"), "a b/c");
        assert_eq!(decoded("%2573"), "%73");
        assert_eq!(decoded("%zz%4"), "%zz%4");
        let tool = Target::new("s", TargetKind::Tool, "%20", &[]);
        assert_eq!(tool.bytes().collect::<Vec<_>>(), b"%20");
    }

    #[test]
    fn what_is_needed_fits_into_a_challenge() {
        let needed = |kind, item, scopes: &[Scope]| Target::new("s", kind, item, scopes).needed();
        assert_eq!(needed(TargetKind::Tool, "add", &[]), "s:add");
        assert_eq!(needed(TargetKind::Admin, "keys", &[]), "admin");
        assert_eq!(needed(TargetKind::Resource, "a\"\r\nb%20", &[]), "s:a***b*20");
        let both = [Scope::new("a:b").unwrap(), Scope::new("c:d").unwrap()];
        assert_eq!(needed(TargetKind::Tool, "add", &both), "a:b c:d");
    }
}
