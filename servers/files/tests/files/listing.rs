//! What listings hold, and how they are paged.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use wharf_files::{
    error::{ErrorKind, FilesError},
    limits::Limits,
    settings::{FilesSettings, RootSettings},
    tree::{DirectoryPage, Files, Kind, ListRequest},
};

use crate::world::World;

fn names(page: &DirectoryPage) -> Vec<&str> {
    page.entries.iter().map(|entry| entry.name.as_str()).collect()
}

#[tokio::test]
async fn entries_say_what_they_are() {
    let world = World::new();
    world.write("b.md", "12345");
    world.write("a/inner.txt", "x");
    world.write(".hidden", "x");
    world.link("in", "a/inner.txt");
    world.link("out", world.base().join("secret.txt"));
    world.link("gone", "nothing");
    world.link("up", "../secret.txt");
    let page = world.list("docs").await.unwrap();
    assert_eq!(page.path.as_deref(), Some("docs"));
    let found: Vec<_> = page
        .entries
        .iter()
        .map(|entry| {
            (
                entry.name.as_str(),
                entry.kind,
                entry.target,
                entry.size_bytes,
                entry.mime_type.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("a", Kind::Directory, None, None, None),
            ("b.md", Kind::File, None, Some(5), Some("text/markdown")),
            ("gone", Kind::Symlink, None, None, None),
            ("in", Kind::Symlink, Some(Kind::File), Some(1), None),
            ("out", Kind::Symlink, None, None, None),
            ("up", Kind::Symlink, None, None, None),
        ]
    );
    assert!(
        page.entries
            .iter()
            .all(|entry| entry.modified.as_ref().is_some_and(|time| time.ends_with('Z')))
    );
    let request =
        ListRequest { path: Some("docs".into()), include_hidden: true, ..ListRequest::default() };
    assert_eq!(names(&world.files.list(request).await.unwrap())[0], ".hidden");
}

#[tokio::test]
async fn without_a_path_the_roots_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let roots = ["zoo", "docs"].map(|name| RootSettings::new(name, folder.path()));
    let files = Files::open(&FilesSettings::new(roots)).unwrap();
    let page = files.list(ListRequest::default()).await.unwrap();
    assert_eq!(names(&page), ["zoo", "docs"]);
    assert!(page.entries.iter().all(|entry| entry.kind == Kind::Directory));
    let request = ListRequest { cursor: Some("AAAA".into()), ..ListRequest::default() };
    assert_eq!(files.list(request).await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn pages_hold_their_place_while_the_directory_changes() {
    let world = World::new();
    for name in ["b", "d", "f", "h"] {
        world.write(name, "");
    }
    let mut request =
        ListRequest { path: Some("docs".into()), limit: Some(2), ..ListRequest::default() };
    let first = world.files.list(request.clone()).await.unwrap();
    assert_eq!(names(&first), ["b", "d"]);
    // Before the page and after it, and the very name at which it ended.
    world.write("a", "");
    world.write("e", "");
    std::fs::remove_file(world.at("d")).unwrap();
    request.cursor = first.next_cursor;
    let second = world.files.list(request.clone()).await.unwrap();
    assert_eq!(names(&second), ["e", "f"]);
    request.cursor = second.next_cursor;
    let last = world.files.list(request).await.unwrap();
    assert_eq!(names(&last), ["h"]);
    assert_eq!(last.next_cursor, None);
}

#[tokio::test]
async fn a_page_of_exactly_the_rest_is_the_last() {
    let world = World::new();
    for name in ["a", "b", "c"] {
        world.write(name, "");
    }
    for (limit, more) in [(2, true), (3, false), (4, false)] {
        let request =
            ListRequest { path: Some("docs".into()), limit: Some(limit), ..ListRequest::default() };
        assert_eq!(world.files.list(request).await.unwrap().next_cursor.is_some(), more, "{limit}");
    }
    std::fs::create_dir(world.at("empty")).unwrap();
    let page = world.list("docs/empty").await.unwrap();
    assert!(page.entries.is_empty() && page.next_cursor.is_none());
}

#[tokio::test]
async fn a_forged_cursor_leads_nowhere_else() {
    let world = World::with(Limits { default_entries: 1, ..Limits::default() });
    world.write("a", "");
    world.write("b", "");
    world.write("sub/c", "");
    let cursor = world.list("docs").await.unwrap().next_cursor.unwrap();
    let list = |path: &str, cursor: &str| {
        let request = ListRequest {
            path: Some(path.into()),
            cursor: Some(cursor.into()),
            ..ListRequest::default()
        };
        world.files.list(request)
    };
    assert_eq!(names(&list("docs", &cursor).await.unwrap()), ["b"]);
    assert_eq!(list("docs/sub", &cursor).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    // Whatever name is forged into one: the page is a page of the same directory.
    let checksum = &URL_SAFE_NO_PAD.decode(&cursor).unwrap()[..8];
    for name in ["", "../../etc/passwd", "/etc", "\0", "zzz", "..", "aa"] {
        let forged = URL_SAFE_NO_PAD.encode([checksum, name.as_bytes()].concat());
        let page = list("docs", &forged).await.unwrap();
        assert!(names(&page).iter().all(|name| ["a", "b", "sub"].contains(name)), "{page:?}");
    }
}

#[tokio::test]
async fn page_sizes_are_bounded() {
    let world = World::with(Limits::default().entries(5));
    for (limit, good) in [(0, false), (1, true), (5, true), (6, false)] {
        let request =
            ListRequest { path: Some("docs".into()), limit: Some(limit), ..ListRequest::default() };
        assert_eq!(world.files.list(request).await.is_ok(), good, "{limit}");
    }
}

#[tokio::test]
async fn what_is_missing_is_answered_with_what_is_near() {
    let world = World::new();
    world.write("guides/getting-started.md", "");
    world.write(".env", "");
    #[track_caller]
    fn check(result: Result<DirectoryPage, FilesError>, expected: &str) {
        let error = result.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    check(world.list("docs/guide").await, "did you mean \"docs/guides\"?");
    check(
        world.list("docs/guides/getting-startd.md").await,
        "did you mean \"docs/guides/getting-started.md\"?",
    );
    check(world.list("docs/guidse/deep/er").await, "did you mean \"docs/guides\"?");
    check(world.list("docs/zzz").await, "list the directory with list_directory");
    check(world.list("docs/env").await, "list the directory");
    check(world.list("dosc").await, "begin the path with one of: docs");
    check(world.list("docs/guides/getting-started.md").await, "read a file with read_file");
    check(world.list("/docs").await, "not with '/'");
    let error = world.read("docs/guides").await.unwrap_err();
    assert!(error.to_string().contains("list it with list_directory"), "{error}");
    world.link("broken", "nowhere");
    let error = world.read("docs/broken").await.unwrap_err();
    assert!(
        error.to_string().contains("a symbolic link to something that does not exist"),
        "{error}"
    );
}

#[tokio::test]
async fn paths_complete_step_by_step() {
    let world = World::new();
    world.write("guides/a.md", "");
    world.write("guides/b.md", "");
    world.write(".git/config", "");
    world.link("out", world.base().join("outside"));
    let complete = async |typed: &str| world.files.complete(typed).await.unwrap();
    assert_eq!(complete("").await, ["docs/"]);
    assert_eq!(complete("do").await, ["docs/"]);
    assert_eq!(complete("docs/").await, ["docs/guides/", "docs/out"]);
    assert_eq!(complete("docs/.").await, ["docs/.git/"]);
    assert_eq!(complete("docs/guides/a").await, ["docs/guides/a.md"]);
    assert!(complete("x").await.is_empty());
    for bad in ["docs/out/", "docs/../", "/", "nope/"] {
        assert!(world.files.complete(bad).await.is_err(), "{bad}");
    }
    for index in 0..200 {
        world.write(&format!("many/{index:03}"), "");
    }
    assert_eq!(complete("docs/many/").await.len(), 100);
}
