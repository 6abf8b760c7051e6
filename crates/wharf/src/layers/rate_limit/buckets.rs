//! Which buckets a call takes from, and what they are called in the store.
//!
//! A name is short whatever the caller is called: long parts are hashed, with a hash under which nobody finds another text
//! with the same name.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Rate, RateLimits};
use crate::call::{Call, Operation};

/// What a bucket limits, from the narrowest on: a caller that is over its own limit takes nothing from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    ToolPerCaller,
    PerCaller,
    DailyPerCaller,
    Tool,
    Server,
}

impl Scope {
    const fn letter(self) -> u8 {
        match self {
            Self::ToolPerCaller => b'u',
            Self::PerCaller => b'c',
            Self::DailyPerCaller => b'd',
            Self::Tool => b't',
            Self::Server => b's',
        }
    }

    /// As the caller reads it in `details.limit`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ToolPerCaller => "tool_per_caller",
            Self::PerCaller => "per_caller",
            Self::DailyPerCaller => "daily_per_caller",
            Self::Tool => "tool",
            Self::Server => "server",
        }
    }
}

const SCOPES: [Scope; 5] =
    [Scope::ToolPerCaller, Scope::PerCaller, Scope::DailyPerCaller, Scope::Tool, Scope::Server];

/// The name of a bucket: `rl`, the scope, then server, caller and tool where they count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    bytes: [u8; Self::MAX_BYTES],
    len: usize,
}

impl Name {
    /// Longest part that stands for itself: common ids fit, and are not hashed for each call.
    const PART_BYTES: usize = 40;
    pub(super) const MAX_BYTES: usize = 3 + 3 * (1 + Self::PART_BYTES);

    fn new(letter: u8) -> Self {
        let mut name = Self { bytes: [0; Self::MAX_BYTES], len: 0 };
        name.push(&[b'r', b'l', letter]);
        name
    }

    /// Its length comes first, so that no two lists of parts give the same name.
    fn with(mut self, part: &str) -> Self {
        match u8::try_from(part.len()) {
            Ok(len) if part.len() <= Self::PART_BYTES => {
                self.push(&[len]);
                self.push(part.as_bytes());
            }
            // No length of a part that stands for itself.
            _ => {
                self.push(&[u8::MAX]);
                self.push(&Sha256::digest(part));
            }
        }
        self
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        self.bytes[self.len..end].copy_from_slice(bytes);
        self.len = end;
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The buckets that one call takes from.
#[derive(Debug, Clone)]
pub(super) struct Buckets {
    rates: [Option<Rate>; SCOPES.len()],
    tool: Option<Arc<str>>,
}

impl Buckets {
    /// Those of `call`; none for what costs nothing.
    pub(super) fn of(call: &Call, limits: &RateLimits) -> Option<Self> {
        if !call.costs_a_token() {
            return None;
        }
        let mut rates = [None, limits.per_caller, limits.daily_per_caller, None, limits.server];
        let mut name = None;
        if let Operation::CallTool { tool, .. } = &call.operation {
            (rates[0], rates[3]) = (tool.policy.rates.per_caller, tool.policy.rates.total);
            name = (rates[0].is_some() || rates[3].is_some()).then(|| Arc::clone(&tool.name));
        }
        rates.iter().any(Option::is_some).then_some(Self { rates, tool: name })
    }

    /// Each bucket's scope, name and rate, in the order in which they are taken from.
    pub(super) fn iter(
        &self,
        server: &str,
        caller: &str,
    ) -> impl Iterator<Item = (Scope, Name, Rate)> {
        SCOPES.into_iter().zip(&self.rates).filter_map(move |(scope, rate)| {
            let rate = (*rate)?;
            let name = Name::new(scope.letter()).with(server);
            let tool = self.tool.as_deref().unwrap_or_default();
            let name = match scope {
                Scope::ToolPerCaller => name.with(caller).with(tool),
                Scope::PerCaller | Scope::DailyPerCaller => name.with(caller),
                Scope::Tool => name.with(tool),
                Scope::Server => name,
            };
            Some((scope, name, rate))
        })
    }
}

/// The bucket with one token that makes one sealed state good for one call free of charge.
pub(super) fn free_round(server: &str, round: &str) -> Name {
    Name::new(b'f').with(server).with(round)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lists_of_parts_give_the_same_name() {
        let long = "x".repeat(10_000);
        let longer = format!("{long}x");
        let digest = String::from_utf8_lossy(&Sha256::digest(&long)).into_owned();
        let texts =
            ["", "a", "ab", "b", "\u{1}b", "b\u{1}", "a\u{1}b", "\u{ff}", &long, &longer, &digest];
        let edge = ["y".repeat(39), "y".repeat(40), "y".repeat(41), "é".repeat(20), "é".repeat(21)];
        let texts: Vec<_> = texts.into_iter().chain(edge.iter().map(String::as_str)).collect();
        let mut names = std::collections::HashSet::new();
        for one in &texts {
            assert!(names.insert(Name::new(b's').with(one).as_bytes().to_vec()));
            for two in &texts {
                assert!(names.insert(Name::new(b's').with(one).with(two).as_bytes().to_vec()));
                assert!(names.insert(Name::new(b't').with(one).with(two).as_bytes().to_vec()));
            }
        }
        let longest = Name::new(b'u').with(&long).with(&edge[1]).with(&edge[1]);
        assert!(longest.as_bytes().len() <= Name::MAX_BYTES);
    }
}
