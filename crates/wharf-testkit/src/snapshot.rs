//! Snapshots of what a server tells models about itself: a changed description changes what a model does, so it is
//! reviewed like code. One file per tool, prompt and resource; a file that belongs to none is a failure too.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use wharf::{Revision, keys};

use crate::{IntoService, Wire, diff};

/// Set to 1, it writes what differs instead of failing.
const UPDATE: &str = "WHARF_UPDATE";

/// The lists, the member of their results, the folder of their files, and what names a file.
const TOOLS: List = List { method: "tools/list", member: "tools", folder: "tools", name: "name" };
const PROMPTS: List =
    List { method: "prompts/list", member: "prompts", folder: "prompts", name: "name" };
const RESOURCES: List =
    List { method: "resources/list", member: "resources", folder: "resources", name: "uri" };
const TEMPLATES: List = List {
    method: "resources/templates/list",
    member: "resourceTemplates",
    folder: "templates",
    name: "uriTemplate",
};

const ALL: [List; 4] = [TOOLS, PROMPTS, RESOURCES, TEMPLATES];

struct List {
    method: &'static str,
    member: &'static str,
    folder: &'static str,
    name: &'static str,
}

/// Compares every tool of `server` with its file in `dir/tools`.
///
/// # Panics
/// As [`assert_snapshots`].
pub async fn assert_tools_snapshot(server: impl IntoService, dir: impl AsRef<Path>) {
    assert_none(&check(server, dir.as_ref(), &[TOOLS], wants_update()).await);
}

/// Compares every tool, prompt, resource and template of `server`, as a client of the newest revision sees it, with its
/// file in `dir/tools`, `dir/prompts`, `dir/resources` and `dir/templates`. `dir` is relative to the crate under test.
///
/// `WHARF_UPDATE=1 cargo test` writes the files that are missing or differ, and removes those without an owner.
///
/// ```no_run
/// # use wharf::{Server, Tool};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let server = Server::new("demo", "1.0.0").tool(Tool::new("hello").handler(|| async { "hi" }));
/// wharf_testkit::assert_snapshots(server, "tests/snapshots").await;
/// # }
/// ```
///
/// # Panics
/// When a file is missing, differs, or belongs to nothing; the message shows every difference.
pub async fn assert_snapshots(server: impl IntoService, dir: impl AsRef<Path>) {
    assert_none(&check(server, dir.as_ref(), &ALL, wants_update()).await);
}

fn wants_update() -> bool {
    std::env::var(UPDATE).is_ok_and(|value| value == "1")
}

fn assert_none(problems: &[String]) {
    assert!(
        problems.is_empty(),
        "{}\nif this is meant, run the test with {UPDATE}=1 and review what it writes",
        problems.join("\n")
    );
}

/// Everything that is not as the files say.
async fn check(server: impl IntoService, dir: &Path, lists: &[List], update: bool) -> Vec<String> {
    let mut wire = Wire::memory(server);
    let mut problems = Vec::new();
    for list in lists {
        let files = files(&mut wire, list).await;
        problems.extend(review(&dir.join(list.folder), &files, update));
    }
    problems
}

/// The files that a list should have: their names and contents.
async fn files(wire: &mut Wire, list: &List) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut cursor = None;
    loop {
        let mut page = page(wire, list, cursor.as_ref()).await;
        let items = page[list.member].as_array().cloned().unwrap_or_default();
        for item in items {
            let name = item[list.name].as_str().unwrap_or_default();
            files.insert(format!("{}.json", file_name(name)), diff::pretty(&item));
        }
        match page["nextCursor"].take() {
            Value::Null => return files,
            next => cursor = Some(next),
        }
    }
}

async fn page(wire: &mut Wire, list: &List, cursor: Option<&Value>) -> Value {
    let mut params = json!({"_meta": {
        keys::PROTOCOL_VERSION: Revision::V2026_07_28.as_str(),
        keys::CLIENT_CAPABILITIES: {},
    }});
    if let Some(cursor) = cursor {
        params["cursor"] = cursor.clone();
    }
    let request =
        json!({"jsonrpc": "2.0", "id": list.method, "method": list.method, "params": params});
    wire.send(&request.to_string()).await;
    let mut answer = wire.next().await.unwrap_or_default();
    assert!(answer["result"].is_object(), "{} failed: {answer:#}", list.method);
    answer["result"].take()
}

/// A file name for any name: what is not plain is percent-encoded, so no two names share a file.
fn file_name(name: &str) -> String {
    let mut file = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => file.push(char::from(byte)),
            // Not at the front: a hidden file would be overlooked.
            b'.' if !file.is_empty() => file.push('.'),
            _ => file.push_str(&format!("%{byte:02X}")),
        }
    }
    file
}

/// Compares a folder with the files that it should have; with `update` it is made so.
fn review(folder: &Path, expected: &BTreeMap<String, String>, update: bool) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, text) in expected {
        let path = folder.join(name);
        match fs::read_to_string(&path) {
            Ok(kept) if kept == *text => {}
            _ if update => problems.extend(write(&path, text)),
            Ok(kept) => {
                problems.push(format!("{} differs:\n{}", path.display(), diff::lines(&kept, text)))
            }
            Err(_) => {
                problems.push(format!("{} is missing:\n{}", path.display(), diff::lines("", text)))
            }
        }
    }
    for path in present(folder) {
        let name =
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if expected.contains_key(&name) {
            continue;
        }
        // Only what this module could have written is removed.
        if !(update && name.ends_with(".json") && fs::remove_file(&path).is_ok()) {
            problems.push(format!("{} belongs to nothing that the server offers", path.display()));
        }
    }
    problems
}

fn write(path: &Path, text: &str) -> Option<String> {
    let written =
        path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
    written.err().map(|error| format!("{} can't be written: {error}", path.display()))
}

/// What is in a folder; nothing when there is none.
fn present(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn missing_changed_and_unreferenced_files_are_told_and_an_update_mends_them() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("tools");
        let files = expected(&[("a.json", "1\n2\n"), ("b.json", "x\n")]);
        let missing = review(&folder, &files, false);
        assert_eq!(missing.len(), 2);
        assert!(
            missing[0].contains("a.json is missing") && missing[0].contains("+1"),
            "{}",
            missing[0]
        );
        assert_eq!(review(&folder, &files, true), [""; 0]);
        assert_eq!(review(&folder, &files, false), [""; 0]);

        fs::write(folder.join("a.json"), "1\n3\n").unwrap();
        fs::write(folder.join("old.json"), "").unwrap();
        fs::write(folder.join("notes.txt"), "").unwrap();
        let told = review(&folder, &files, false);
        assert_eq!(told.len(), 3);
        assert!(told[0].contains("-3\n+2"), "{}", told[0]);
        assert!(told[1].contains("notes.txt belongs to nothing"), "{}", told[1]);
        assert!(told[2].contains("old.json belongs to nothing"), "{}", told[2]);
        // What it can't have written is left, and still a failure.
        assert_eq!(review(&folder, &files, true).len(), 1);
        assert!(folder.join("notes.txt").exists() && !folder.join("old.json").exists());
    }

    #[tokio::test]
    async fn every_item_of_every_page_has_a_file() {
        use wharf::{Limits, Prompt, Resource, Server, Tool};
        let server = || {
            let mut limits = Limits::default();
            limits.page_size = 2;
            let server = Server::new("many", "1.0.0").limits(limits);
            let server = server.prompt(Prompt::new("p").handler(|| async { "p" }));
            let server = server.resource(Resource::new("a://b", "b").handler(|| async { "b" }));
            (0..5).fold(server, |server, n| {
                server.tool(Tool::new(format!("tool_{n}")).handler(|| async { "x" }))
            })
        };
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(check(server(), dir.path(), &[TOOLS], false).await.len(), 5);
        assert_eq!(check(server(), dir.path(), &ALL, true).await, [""; 0]);
        assert_eq!(check(server(), dir.path(), &ALL, false).await, [""; 0]);
        let kept = fs::read_to_string(dir.path().join("tools/tool_4.json")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&kept).unwrap()["name"], "tool_4");
        assert!(dir.path().join("resources/a%3A%2F%2Fb.json").is_file());
        // Without its prompt and resource, two files have no owner; a list that is not compared has none to miss.
        let fewer = || {
            (0..5).fold(Server::new("fewer", "1.0.0"), |server, n| {
                server.tool(Tool::new(format!("tool_{n}")).handler(|| async { "x" }))
            })
        };
        assert_eq!(check(fewer(), dir.path(), &[TOOLS], false).await, [""; 0]);
        assert_eq!(check(fewer(), dir.path(), &ALL, false).await.len(), 2);
        let described =
            fewer().tool(Tool::new("tool_5").description("new").handler(|| async { "x" }));
        let told = check(described, dir.path(), &[TOOLS], false).await;
        assert!(told.len() == 1 && told[0].contains("+  \"description\": \"new\""), "{told:?}");
    }

    #[test]
    fn no_name_leaves_the_folder_or_meets_another() {
        assert_eq!(file_name("read_file"), "read_file");
        assert_eq!(file_name("../x"), "%2E.%2Fx");
        assert_eq!(file_name("a.b/c"), "a.b%2Fc");
        assert_eq!(file_name("greeting://{name}"), "greeting%3A%2F%2F%7Bname%7D");
        assert_ne!(file_name("a%2Fb"), file_name("a/b"));
    }
}
