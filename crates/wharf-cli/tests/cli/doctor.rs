//! `wharf doctor` tells the operator what callers are not told, and a start refuses promises that are not kept.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use crate::everything::{json, stderr, stdout, wharf};

fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = rusqlite::Connection::open(folder.path().join("people.db")).unwrap();
    sqlite.execute_batch("CREATE TABLE people(id INTEGER PRIMARY KEY, ssn TEXT)").unwrap();
    std::fs::write(folder.path().join("wharf.toml"), config).unwrap();
    folder
}

fn run(folder: &tempfile::TempDir, words: &[&str]) -> assert_cmd::Command {
    let mut command = wharf(words);
    command.arg("--config").arg(folder.path().join("wharf.toml"));
    command
}

#[test]
fn what_works_is_shown_and_what_does_not_ends_with_a_code() {
    let good = folder("[servers.a]\nkind = 'database'\npath = 'people.db'\n");
    let table = stdout(&run(&good, &["doctor"]).assert().success());
    assert!(table.contains("database main") && table.contains("SQLite can be read"), "{table}");
    let bad = folder(
        "[servers.a]\nkind = 'database'\npath = 'no.db'\n[servers.b]\nkind = 'calculator'\n",
    );
    let told = json(&run(&bad, &["doctor", "--json"]).assert().code(1));
    let findings = told["findings"].as_array().unwrap();
    let of = |server: &str| findings.iter().find(|finding| finding["server"] == server).unwrap();
    assert_eq!(of("a")["state"], "problem", "{told}");
    assert_eq!(of("b")["state"], "ok", "{told}");
}

#[test]
fn a_promise_that_is_not_kept_stops_the_start_and_says_what_keeps_it() {
    let hidden = |column: &str| {
        folder(&format!(
            "[servers.a]\nkind = 'database'\npath = 'people.db'\nhidden_columns = ['{column}']\n"
        ))
    };
    let broken = hidden("people.sssn");
    for words in [&["serve", "--listen", "127.0.0.1:0"][..], &["stdio", "a"]] {
        let told = stderr(&run(&broken, words).assert().code(64));
        assert!(told.contains("people.sssn") && told.contains("hidden_columns"), "{told}");
    }
    let told = stdout(&run(&broken, &["doctor"]).assert().code(1));
    assert!(told.contains("people.sssn is no column of its table"), "{told}");
    run(&hidden("people.ssn"), &["doctor"]).assert().success();
}
