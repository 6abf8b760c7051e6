//! What `[state] file` is for: a call that was made once stays made once, whatever happens to the server.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    everything::{stderr, wharf},
    raw::ask,
    serving::Serving,
};

/// A folder to serve, and the configuration beside it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let config = "[state]\nfile = \"state.db\"\n[servers.files]\nkind = \"files\"\nroots = [\"docs=docs\"]\n\
                  [servers.sums]\nkind = \"calculator\"\n";
    std::fs::create_dir(folder.path().join("docs")).expect("a folder");
    std::fs::write(folder.path().join("wharf.toml"), config).expect("a file");
    folder
}

fn serve(folder: &Path) -> Serving {
    Serving::start("", &["--config", folder.join("wharf.toml").to_str().expect("UTF-8")])
}

/// Calls `read_file` as a client that sends an idempotency key; gives the result.
fn read_once(url: &str, path: &str, key: &str) -> Value {
    let params = json!({"name": "read_file", "arguments": {"path": path}, "_meta": {"dev.wharf/idempotencyKey": key}});
    ask(url, None, "tools/call", params).message()["result"].clone()
}

#[test]
fn the_outcome_of_an_idempotent_call_survives_a_restart() {
    let folder = folder();
    let document = folder.path().join("docs/a.md");
    std::fs::write(&document, "before").expect("a file");
    let serving = serve(folder.path());
    let first = read_once(serving.url("files"), "docs/a.md", "once");
    assert!(first.to_string().contains("before"), "{first}");
    assert_eq!(first["_meta"]["dev.wharf/replayed"], Value::Null);
    std::fs::write(&document, "after").expect("a file");
    // Ended in order, and then killed.
    let (status, log) = serving.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!folder.path().join("state.db-wal").exists(), "the file was not closed");
    for _ in 0..2 {
        let serving = serve(folder.path());
        let url = serving.url("files");
        let again = read_once(url, "docs/a.md", "once");
        assert!(again.to_string().contains("before"), "{again}");
        assert_eq!(again["_meta"]["dev.wharf/replayed"], true, "{again}");
        let other = read_once(url, "docs/b.md", "once");
        assert!(other.to_string().contains("CONFLICT"), "{other}");
        assert!(read_once(url, "docs/a.md", "new").to_string().contains("after"));
        drop(serving);
    }
}

#[test]
fn without_a_file_outcomes_end_with_the_process() {
    let folder = folder();
    let config = folder.path().join("wharf.toml");
    let text = std::fs::read_to_string(&config).expect("a file");
    std::fs::write(&config, text.replace("file = \"state.db\"", "")).expect("a file");
    std::fs::write(folder.path().join("docs/a.md"), "before").expect("a file");
    read_once(serve(folder.path()).url("files"), "docs/a.md", "once");
    std::fs::write(folder.path().join("docs/a.md"), "after").expect("a file");
    let again = read_once(serve(folder.path()).url("files"), "docs/a.md", "once");
    assert!(again.to_string().contains("after"), "{again}");
}

#[test]
fn a_state_file_that_can_not_be_used_stops_the_start() {
    let folder = folder();
    let config = folder.path().join("wharf.toml");
    let config = config.to_str().expect("UTF-8");
    let state = folder.path().join("state.db");
    let refused = |code: i32, part: &str| {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--config", config];
        let told = stderr(&wharf(&arguments).assert().code(code));
        assert!(told.contains("state.file") && told.contains(part), "{told}");
    };
    // Looking at the configuration makes no file.
    wharf(&["config", "check", "--config", config]).assert().success();
    assert!(!state.exists());
    let shop = rusqlite::Connection::open(&state).expect("a database");
    shop.execute_batch("CREATE TABLE items(name TEXT)").expect("a table");
    drop(shop);
    refused(64, "no state file");
    std::fs::write(&state, "certainly no database, and longer than a header".repeat(99))
        .expect("a file");
    refused(70, "damaged");
}
