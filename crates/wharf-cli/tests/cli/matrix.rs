//! `wharf config matrix` and the check of names, over a configuration with every kind of caller.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use crate::everything::{json, stderr, stdout, wharf};

/// Keys of three people over the demo's servers, and what a stdio server may do.
fn configured() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let config = "[auth]\nkeys_file = \"keys.json\"\nlocal_allow = [\"tools\"]\n\
                  [servers.sums]\nkind = \"calculator\"\n\
                  [servers.data]\nkind = \"database\"\nsample = true\n";
    std::fs::write(path("wharf.toml"), config).unwrap();
    for (name, allow) in [
        ("admin", vec!["*"]),
        ("reader", vec!["data:list_tables", "data:describe_*"]),
        ("careful", vec!["*", "!data:execute_query"]),
    ] {
        new_key(&folder, name, &allow);
    }
    folder
}

fn new_key(folder: &tempfile::TempDir, name: &str, allow: &[&str]) {
    let file = folder.path().join("keys.json");
    let mut command = wharf(&["keys", "new", "--name", name, "--file"]);
    command.arg(file);
    for pattern in allow {
        command.args(["--allow", pattern]);
    }
    command.assert().success();
}

fn config(folder: &tempfile::TempDir, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = wharf(&["config"]);
    command.args(arguments).arg("--config").arg(folder.path().join("wharf.toml"));
    command
}

#[test]
fn the_matrix_shows_who_may_use_what() {
    let folder = configured();
    let table = stdout(&config(&folder, &["matrix"]).assert().success());
    assert_eq!(table, include_str!("matrix.txt"), "{table}");
    let object = json(&config(&folder, &["matrix", "--json"]).assert().success());
    let items = object["items"].as_array().unwrap();
    let query = items.iter().find(|item| item["item"] == "execute_query").unwrap();
    assert_eq!(query["callers"], serde_json::json!(["(stdio)", "admin"]));
}

#[test]
fn a_permission_that_names_nothing_is_told() {
    let folder = configured();
    config(&folder, &["check"]).assert().success().stdout("ok: data, sums\n");
    // A misspelt denial would deny nothing.
    new_key(&folder, "unlucky", &["*", "!data:execute_qurey"]);
    let told = stderr(&config(&folder, &["check"]).assert().code(64));
    assert!(told.contains("\"unlucky\" name \"data:execute_qurey\""), "{told}");
    assert!(told.contains("did you mean data:execute_query?"), "{told}");
}
