//! `wharf keys` and a server that wants keys, as an operator runs them.

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{
    everything::wharf,
    serving::{Serving, command},
};

const CONFIG: &str = "[auth]\nkeys_file = 'keys.json'\n[servers.calculator]\nkind = 'calculator'\n";
const CHOSEN: &str = "0123456789abcdef0123";

/// A folder with a configuration that names a key file, which does not exist yet.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("wharf.toml"), CONFIG).expect("a file");
    folder
}

fn run(folder: &tempfile::TempDir, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn new_key(folder: &tempfile::TempDir, name: &str) -> String {
    let made = run(folder, &["keys", "new", "--name", name, "--allow", "*"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    text(&made.stdout).trim().to_owned()
}

fn serve(folder: &tempfile::TempDir, listen: &str) -> Command {
    let mut serve = command(folder, &["serve", "--listen", listen, "--json"]);
    serve.stdout(Stdio::piped()).stderr(Stdio::piped());
    serve
}

/// Calls with this key; its exit code.
fn call(url: &str, key: &str) -> Option<i32> {
    let mut call = wharf(&["call", url, "calculate", "expression=1+1"]);
    if !key.is_empty() {
        call.env("WHARF_TOKEN", key);
    }
    call.output().expect("it runs").status.code()
}

#[test]
fn a_key_is_printed_once_and_kept_nowhere() {
    let folder = folder();
    let made = run(
        &folder,
        &[
            "keys",
            "new",
            "--name",
            "ci",
            "--allow",
            "database:*,!database:execute_*",
            "--expires",
            "90d",
        ],
    );
    let (key, told) = (text(&made.stdout), text(&made.stderr));
    assert!(key.starts_with("wharf_") && key.len() == 69 && key.ends_with('\n'), "{key}");
    assert!(told.contains("may use: database:*, !database:execute_*"), "{told}");
    assert!(told.contains("valid until 20") && !told.contains(key.trim()), "{told}");
    let secret = &key.trim()[20..];
    for arguments in [["keys", "list"].as_slice(), &["keys", "list", "--json"]] {
        let listed = text(&run(&folder, arguments).stdout);
        assert!(listed.contains("ci") && !listed.contains(secret), "{listed}");
    }
    let listed: Value =
        serde_json::from_slice(&run(&folder, &["keys", "list", "--json"]).stdout).expect("JSON");
    let listed = &listed["keys"][0];
    assert_eq!(listed["allow"], serde_json::json!(["database:*", "!database:execute_*"]));
    assert!(listed["expiresAt"].is_string() && listed["previousExpiresAt"].is_null());
    for entry in fs::read_dir(folder.path()).expect("a folder") {
        let path = entry.expect("an entry").path();
        let content = fs::read(&path).expect("a file");
        assert!(!content.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "{path:?}");
    }
}

#[test]
fn a_server_with_keys_refuses_who_has_none_and_hears_of_changes() {
    let folder = folder();
    let (good, doomed) = (new_key(&folder, "good"), new_key(&folder, "doomed"));
    let serving = Serving::spawn(serve(&folder, "127.0.0.1:0"), folder);
    let url = serving.url("calculator").to_owned();
    assert_eq!(call(&url, &good), Some(0));
    assert_eq!(call(&url, &doomed), Some(0));
    assert_eq!(call(&url, ""), Some(4));
    assert_eq!(call(&url, "wrong"), Some(4));
    let revoked = run(&serving.folder, &["keys", "revoke", "doomed", "--json"]);
    assert!(text(&revoked.stdout).starts_with(r#"{"revoked":"#), "{}", text(&revoked.stdout));
    let rotated = run(&serving.folder, &["keys", "rotate", "good", "--overlap", "0s"]);
    let new = text(&rotated.stdout).trim().to_owned();
    // The server looks at the file ten times a second; starting a client alone takes no less than that here.
    let (mut tries, mut refused) = (0, Some(0));
    while refused != Some(4) && tries < 50 {
        refused = call(&url, &doomed);
        tries += 1;
    }
    assert_eq!((refused, call(&url, &good), call(&url, &new)), (Some(4), Some(4), Some(0)));
    let (status, log) = serving.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    for key in [&good, &doomed, &new] {
        assert!(!log.contains(&key[20..]), "{log}");
    }
}

#[test]
fn only_a_server_with_keys_listens_where_others_reach_it() {
    let folder = folder();
    let no_key = run(&folder, &["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(no_key.status.code(), Some(64), "{}", text(&no_key.stderr));
    assert!(text(&no_key.stderr).contains("wharf keys new --name"), "{}", text(&no_key.stderr));
    let key = new_key(&folder, "first");
    let serving = Serving::spawn(serve(&folder, "0.0.0.0:0"), folder);
    let url = serving.url("calculator").replace("0.0.0.0", "127.0.0.1");
    assert_eq!((call(&url, &key), call(&url, "")), (Some(0), Some(4)));
    drop(serving);
    let open = tempfile::tempdir().expect("a folder");
    let refused = run(&open, &["serve", "calculator", "--listen", "0.0.0.0:0"]);
    assert_eq!(refused.status.code(), Some(64));
    assert!(text(&refused.stderr).contains("hint: make an API key"), "{}", text(&refused.stderr));
}

#[test]
fn a_key_from_the_environment_is_enough() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut with_key = serve(&folder, "127.0.0.1:0");
    with_key.arg("calculator").env("MCP_API_KEY", CHOSEN);
    let serving = Serving::spawn(with_key, folder);
    let url = serving.url("calculator").to_owned();
    assert_eq!((call(&url, CHOSEN), call(&url, "")), (Some(0), Some(4)));
    drop(serving);
    let folder = tempfile::tempdir().expect("a folder");
    let refused = command(&folder, &["serve", "calculator", "--listen", "127.0.0.1:0"])
        .env("MCP_API_KEY", "hunter2")
        .output()
        .expect("it runs");
    assert_eq!(refused.status.code(), Some(64));
    let told = text(&refused.stderr);
    assert!(told.contains("MCP_API_KEY: the key could be guessed") && !told.contains("hunter2"));
}

#[test]
fn mistakes_end_with_usage_and_say_what_is_accepted() {
    let folder = folder();
    let check = |arguments: &[&str], expected: &str| {
        let output = run(&folder, arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
        assert!(output.stdout.is_empty() || arguments.contains(&"--json"));
    };
    check(&["keys", "new", "--name", "a", "--allow", "tool"], "did you mean tools?");
    check(&["keys", "new", "--name", "a"], "--allow");
    check(&["keys", "new", "--name", "a", "--allow", "*", "--expires", "soon"], "90d");
    check(&["keys", "revoke", "nobody"], "no key \"nobody\"");
    check(&["keys", "rotate", "nobody", "--json"], "no key \"nobody\"");
    let empty = tempfile::tempdir().expect("a folder");
    let output = run(&empty, &["keys", "list"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(text(&output.stderr).contains("name one with --file"), "{}", text(&output.stderr));
    new_key(&folder, "twice");
    check(&["keys", "new", "--name", "twice", "--allow", "*"], "already");
    let checked = run(&folder, &["config", "check"]);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
}
