//! What patterns cover, and how they are read.

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
