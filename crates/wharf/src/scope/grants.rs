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
mod tests {
    use super::*;
    use crate::scope::{Scope, TargetKind::*};

    fn grants(patterns: &str) -> Grants {
        Grants::parse(patterns.split_whitespace()).unwrap()
    }

    fn check(patterns: &str, kind: TargetKind, item: &str, scopes: &str, expected: bool) {
        let (server, item) = item.split_once(' ').unwrap();
        let scopes: Vec<Scope> =
            scopes.split_whitespace().map(|scope| Scope::new(scope).unwrap()).collect();
        let allowed = grants(patterns).allows(&Target::new(server, kind, item, &scopes));
        assert_eq!(allowed, expected, "{patterns:?} on {kind:?} {server} {item} {scopes:?}");
    }

    #[test]
    fn star_covers_everything() {
        check("*", Tool, "db query", "", true);
        check("*", Admin, "db keys", "", true);
        check("*", Tool, "github create", "issues:write admin", true);
        check("*", Resource, "files file:///a/../b", "", true);
        check("", Tool, "db query", "", false);
    }

    #[test]
    fn a_kind_covers_every_server() {
        check("tools", Tool, "db query", "", true);
        check("tools", Prompt, "db query", "", false);
        check("tools", Resource, "db query", "", false);
        check("tools", Admin, "db query", "", false);
        check("resources", Resource, "files file:///x", "", true);
        check("resources", Tool, "files file:///x", "", false);
        check("prompts", Prompt, "a review", "", true);
        check("prompts", Tool, "a review", "", false);
        check("tools", Tool, "github create", "issues:write", false);
        check("tools issues:write", Tool, "github create", "issues:write", true);
    }

    #[test]
    fn admin_is_administration_only() {
        check("admin", Admin, "db keys", "", true);
        check("admin", Tool, "db query", "", false);
        check("db:* tools resources prompts", Admin, "db keys", "", false);
        check("db:keys *:*", Admin, "db keys", "", false);
    }

    #[test]
    fn the_scope_of_administration_is_held_by_name() {
        check("admin", Resource, "db db://main/pool", "admin", true);
        check("*", Resource, "db db://main/pool", "admin", true);
        check("db:*", Resource, "db db://main/pool", "admin", false);
        check("*:*", Resource, "db db://main/pool", "admin", false);
        check("resources db:db://main/pool", Resource, "db db://main/pool", "admin", false);
        check("db:* admin", Resource, "db db://main/pool", "admin", true);
        check("db:* admin", Resource, "db db://main/pool", "admin pool:read", true);
        check("admin !db:db://*/pool", Resource, "db db://main/pool", "admin", false);
    }

    #[test]
    fn a_server_covers_all_that_is_its() {
        for kind in [Tool, Resource, Prompt] {
            check("db:*", kind, "db x", "", true);
            check("db:*", kind, "dbx x", "", false);
        }
        check("github:*", Tool, "github create", "issues:write", true);
        check("github:*", Tool, "other create", "issues:write", false);
    }

    #[test]
    fn an_item_is_covered_by_its_name_or_uri() {
        check("github:create_issue", Tool, "github create_issue", "", true);
        check("github:create_issue", Tool, "github create_issues", "", false);
        check("github:create_issue", Tool, "gitlab create_issue", "", false);
        check("db:execute_*", Tool, "db execute_query", "", true);
        check("db:execute_*", Tool, "db list_tables", "", false);
        check("*:list_*", Tool, "db list_tables", "", true);
        check("files:file:///pub/*", Resource, "files file:///pub/a/b.txt", "", true);
        check("files:file:///pub/*", Resource, "files file:///secret/b.txt", "", false);
        check("files:file:///pub/*", Resource, "files file:///%70ub/b.txt", "", true);
        check("files:file:///pub/*", Resource, "files file:///pub/../secret", "", false);
        check("files:file:///pub/*", Resource, "files file:///pub/%2e%2e/secret", "", false);
        check("github:create", Tool, "github create", "issues:write", false);
        check("github:create issues:write", Tool, "github create", "issues:write", true);
    }

    #[test]
    fn a_scope_opens_what_demands_exactly_it() {
        check("issues:write", Tool, "github create", "issues:write", true);
        check("issues:write", Tool, "github create", "", false);
        check("issues:write", Tool, "github create", "issues:write repo:admin", false);
        check("issues:write repo:admin", Tool, "github create", "issues:write repo:admin", true);
        check("issues:read", Tool, "github create", "issues:write", false);
        // A glob is meant for a server, and never for what another server guards.
        check("issues:*", Tool, "github create", "issues:write", false);
        check("issues:w*", Tool, "github create", "issues:write", false);
    }

    #[test]
    fn denials_win() {
        check("* !db:execute_*", Tool, "db execute_query", "", false);
        check("!db:execute_* *", Tool, "db list_tables", "", true);
        check("db:* !tools", Tool, "db list_tables", "", false);
        check("db:* !tools", Resource, "db x:y", "", true);
        check("* !admin", Admin, "db keys", "", false);
        check("* !*", Tool, "db list_tables", "", false);
        check("* !*:delete_*", Tool, "files delete_all", "", false);
        check("* !issues:write", Tool, "github create", "issues:write", false);
        check("* !issues:*", Tool, "github create", "issues:write", false);
        check("!db:x", Tool, "db y", "", false);
    }

    #[test]
    fn another_spelling_of_a_denied_uri_is_denied() {
        for uri in [
            "file:///secret/x",
            "file:///%73ecret/x",
            "file:///a/../secret/x",
            "file:///./secret/x",
            "file:////secret/x",
            "file:///a%2f..%2fsecret/x",
        ] {
            check("* !files:file:///secret/*", Resource, &format!("files {uri}"), "", false);
        }
        check("* !files:file:///secret/*", Resource, "files file:///open/x", "", true);
        check("* !files:file:///secret/*", Resource, "other file:///a/../b", "", true);
    }

    #[test]
    fn refusals_say_what_is_missing() {
        let scopes = [Scope::new("issues:read").unwrap(), Scope::new("issues:write").unwrap()];
        let guarded = Target::new("github", Tool, "create", &scopes);
        let open = Target::new("github", Tool, "create", &[]);
        assert_eq!(
            grants("github:create issues:read").check(&guarded),
            Err(Refusal::MissingScope(&scopes[1]))
        );
        assert_eq!(grants("db:*").check(&open), Err(Refusal::NotGranted));
        assert_eq!(grants("* !github:*").check(&open), Err(Refusal::Denied));
    }

    #[test]
    fn templates_show_where_something_of_them_can_be_read() {
        let check = |patterns: &str, expected: bool| {
            let template = Target::new("files", Resource, "file:///pub/{+path}", &[]);
            assert_eq!(grants(patterns).may_allow(&template), expected, "{patterns}");
        };
        check("*", true);
        check("resources", true);
        check("files:*", true);
        check("files:file:///pub/a/*", true);
        check("files:file:///p*", true);
        check("files:file:///secret/*", false);
        check("tools", false);
        check("* !files:file:///pub/a/*", true);
        check("* !files:*", false);
        check("* !resources", false);
    }

    #[test]
    fn wrong_patterns_say_what_is_accepted_and_not_what_was_written() {
        let check = |pattern: &str, reason: &str| {
            let error = Grants::parse(["tools", pattern]).unwrap_err();
            assert_eq!(error.index, 1);
            assert!(error.reason().contains(reason), "{pattern}: {error}");
            assert!(error.to_string().contains("accepted are *, tools"), "{error}");
        };
        check("", "empty");
        check("!", "empty");
        check("!!tools", "two exclamation marks");
        check("tool", "did you mean tools?");
        check("s3cr3tk3y", "none of the known words");
        check("db:", "nothing before or after");
        check(":x", "nothing before or after");
        check("db:a b", "a space");
        check("db:a,b", "a comma");
        check("db:%20", "'%'");
        check("db:é", "beyond ASCII");
        check(&format!("a:{}", "x".repeat(300)), "more than 256 bytes");
        assert!(!Grants::parse(["s3cr3tk3y"]).unwrap_err().to_string().contains("s3cr3t"));
        let many = vec!["tools"; MAX_PATTERNS + 1];
        assert_eq!(Grants::parse(many).unwrap_err().index, MAX_PATTERNS);
    }

    #[test]
    fn fingerprints_tell_lists_apart_and_not_their_order() {
        let of = |patterns| grants(patterns).fingerprint();
        assert_eq!(of("tools db:* tools"), of("db:* tools"));
        assert_ne!(of("tools"), of("!tools"));
        assert_ne!(of("tools"), of("tools db:*"));
        assert_ne!(of(""), of("*"));
        // Written down, because caches that outlive a process depend on it.
        assert_eq!(of("*"), 0xbd849b8d237133747e594c18f9e805d9);
        assert_eq!(of("*"), Grants::all().fingerprint());
        assert_eq!(grants("!b:c a:b").patterns().collect::<Vec<_>>(), ["a:b", "!b:c"]);
        assert_eq!(grants("db:* x:y !admin").literals().collect::<Vec<_>>(), ["x:y", "admin"]);
    }
}
