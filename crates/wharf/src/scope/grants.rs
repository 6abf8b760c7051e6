//! What a caller holds.
//!
//! The table of what patterns mean stands at [`Grants`], and each of its rows has a test here. It refuses to keep order:
//! what a caller holds is a set, and a denial wins wherever it stands.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use sha2::{Digest, Sha256};

use super::{
    name::Scope,
    pattern::{Pattern, PatternError},
    target::{Refusal, Target, TargetKind},
};

/// Most patterns of one caller.
const MAX_PATTERNS: usize = 256;

static ALL: LazyLock<Arc<Grants>> = LazyLock::new(|| {
    Arc::new(Grants::parse(["*"]).unwrap_or_else(|_| Grants::new(Vec::new(), Vec::new())))
});
static NONE: LazyLock<Arc<Grants>> =
    LazyLock::new(|| Arc::new(Grants::new(Vec::new(), Vec::new())));

/// What a caller holds: patterns, parsed once and shared.
///
/// | Pattern | Covers | Satisfies declared scopes |
/// |---|---|---|
/// | `*` | everything, administration too | all |
/// | `tools`, `resources`, `prompts` | every tool, resource or prompt of every server | the scope of the same name |
/// | `admin` | administration, and nothing else | the scope `admin` |
/// | `SERVER:*` | every tool, resource and prompt of the server | all but `admin`, on that server |
/// | `SERVER:ITEM` | its tools and prompts of that name, its resources with that URI; `*` in ITEM is any text | the scope of the same text |
/// | `issues:write` | (also) every item that demands this scope and no other | `issues:write` |
/// | `!PATTERN` | denies what the pattern covers, and every item that demands a scope which it names | |
///
/// An item with declared scopes is open to who holds all of them, or to who is granted the item and holds all of them. A
/// denial wins over every grant. `*` may also stand in SERVER: `!*:delete_*`.
///
/// ```
/// use wharf::{Grants, Target, TargetKind};
///
/// let grants = Grants::parse(["database:*", "!database:execute_*"]).unwrap();
/// let tool = |name| Target::new("database", TargetKind::Tool, name, &[]);
/// assert!(grants.allows(&tool("list_tables")));
/// assert!(!grants.allows(&tool("execute_query")));
/// ```
#[derive(Clone)]
pub struct Grants {
    granted: Box<[Pattern]>,
    denied: Box<[Pattern]>,
    fingerprint: u128,
}

impl Grants {
    /// What these patterns give. Their order does not matter.
    ///
    /// # Errors
    /// With the first text that is no pattern, and what is accepted.
    pub fn parse<I>(patterns: I) -> Result<Self, PatternError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let (mut granted, mut denied) = (Vec::new(), Vec::new());
        for (index, text) in patterns.into_iter().enumerate() {
            if index == MAX_PATTERNS {
                let reason = format!("there are more than {MAX_PATTERNS} patterns");
                return Err(PatternError::new(index, reason));
            }
            let text = text.as_ref();
            let (side, text) = match text.strip_prefix('!') {
                Some(text) => (&mut denied, text),
                None => (&mut granted, text),
            };
            side.push(Pattern::parse(text).map_err(|reason| PatternError::new(index, reason))?);
        }
        Ok(Self::new(granted, denied))
    }

    fn new(mut granted: Vec<Pattern>, mut denied: Vec<Pattern>) -> Self {
        let mut hash = Sha256::new();
        for side in [&mut granted, &mut denied] {
            side.sort_by(|a, b| a.text().cmp(b.text()));
            side.dedup_by(|a, b| a.text() == b.text());
            for pattern in side.iter() {
                // No pattern has a line feed in it, so no two lists are hashed alike.
                hash.update(pattern.text());
                hash.update("\n");
            }
            hash.update("\n");
        }
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&hash.finalize()[..16]);
        Self {
            granted: granted.into(),
            denied: denied.into(),
            fingerprint: u128::from_le_bytes(fingerprint),
        }
    }

    /// Everything.
    pub fn all() -> Arc<Self> {
        Arc::clone(&ALL)
    }

    /// Nothing.
    pub fn none() -> Arc<Self> {
        Arc::clone(&NONE)
    }

    /// Whether the target may be used.
    pub fn allows(&self, target: &Target<'_>) -> bool {
        self.check(target).is_ok()
    }

    /// Whether the target may be used, or what stands in the way. Does not allocate.
    ///
    /// # Errors
    /// With the reason.
    pub fn check<'a>(&self, target: &Target<'a>) -> Result<(), Refusal<'a>> {
        if self.holds_everything() {
            return Ok(());
        }
        let is_ambiguous = target.is_ambiguous();
        if self.denied.iter().any(|pattern| pattern.denies(target, is_ambiguous)) {
            return Err(Refusal::Denied);
        }
        self.check_scopes(target)?;
        // Who holds everything that the author demands needs no grant of the item besides.
        if !target.scopes.is_empty()
            || self.granted.iter().any(|pattern| pattern.covers(target, is_ambiguous))
        {
            return Ok(());
        }
        Err(Refusal::NotGranted)
    }

    fn check_scopes<'a>(&self, target: &Target<'a>) -> Result<(), Refusal<'a>> {
        if target.scopes.is_empty() || self.granted.iter().any(Pattern::is_everything) {
            return Ok(());
        }
        let gives_all = self.granted.iter().any(|pattern| pattern.gives_all_of_server(target));
        // Who may use all of a server is its user; who administers it is said by name.
        let holds = |scope: &Scope| {
            gives_all && !scope.is_admin()
                || self.granted.iter().any(|pattern| pattern.is_scope(scope))
        };
        match target.scopes.iter().find(|scope| !holds(scope)) {
            Some(missing) => Err(Refusal::MissingScope(missing)),
            None => Ok(()),
        }
    }

    /// Whether a resource template could stand for a URI that may be read; `target.item` is the template. It is for lists:
    /// what is read is checked by its own URI, so a template shown in vain gives nothing away but itself.
    pub fn may_allow(&self, target: &Target<'_>) -> bool {
        debug_assert_eq!(target.kind, TargetKind::Resource, "only resources have templates");
        let denied = |pattern: &Pattern| {
            pattern.is_everything()
                || pattern.gives_all_of_server(target)
                || pattern.denies(target, false)
        };
        !self.denied.iter().any(denied)
            && self.check_scopes(target).is_ok()
            && (!target.scopes.is_empty()
                || self.granted.iter().any(|pattern| pattern.may_cover(target)))
    }

    /// The same for the same patterns in any order, in every process; for keys of caches.
    pub fn fingerprint(&self) -> u128 {
        self.fingerprint
    }

    /// The patterns, sorted; denials come last, with their `!`.
    pub fn patterns(&self) -> impl Iterator<Item = String> + '_ {
        let granted = self.granted.iter().map(|pattern| pattern.text().to_owned());
        granted.chain(self.denied.iter().map(|pattern| format!("!{}", pattern.text())))
    }

    /// Patterns without a star, denials included: each names one server's item, or a scope, and one that is neither is
    /// likely a mistake that a configuration check can tell.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        let all = self.granted.iter().chain(&self.denied);
        all.filter(|pattern| pattern.is_literal()).map(Pattern::text)
    }

    fn holds_everything(&self) -> bool {
        self.denied.is_empty() && self.granted.iter().any(Pattern::is_everything)
    }
}

impl PartialEq for Grants {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for Grants {}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.patterns()).finish()
    }
}

#[cfg(test)]
#[path = "grants_tests.rs"]
mod tests;
