//! A key that is revoked while its calls and streams go on, and a key file that breaks under a running server.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::process::Stdio;

use serde_json::json;

use crate::{
    everything::wharf,
    raw::{ask, readiness},
    serving::{Serving, command},
};

/// A server of sample data, and the keys of two callers.
fn served(auth: &str) -> (Serving, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "[auth]\nkeys_file = \"keys.json\"\n{auth}\n[servers.data]\nkind = \"database\"\nsample = true\n"
    );
    std::fs::write(folder.path().join("wharf.toml"), config).unwrap();
    let key = |name: &str| {
        let made = command(&folder, &["keys", "new", "--name", name, "--allow", "*"]).output();
        String::from_utf8(made.unwrap().stdout).unwrap().trim().to_owned()
    };
    let (good, doomed) = (key("good"), key("doomed"));
    let mut serve = command(&folder, &["serve", "--listen", "127.0.0.1:0", "--json"]);
    serve.stdout(Stdio::piped()).stderr(Stdio::piped());
    (Serving::spawn(serve, folder), good, doomed)
}

fn lists_tables(url: &str, key: &str) -> Option<i32> {
    let mut call = wharf(&["call", url, "list_tables"]);
    call.env("WHARF_TOKEN", key).output().unwrap().status.code()
}

/// The readiness once the server has looked at the file again, which it does ten times a second.
fn readiness_after(url: &str, key: &str) -> (u16, serde_json::Value) {
    let mut told = readiness(url);
    for _ in 0..50 {
        if told.1["status"] != "ready" {
            break;
        }
        // A whole client takes its time.
        lists_tables(url, key);
        told = readiness(url);
    }
    told
}

#[test]
fn a_revoked_key_ends_what_it_has_under_way() {
    let (serving, good, doomed) = served("");
    let url = serving.url("data");
    let endless =
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
    let query = json!({"name": "execute_query", "arguments": {"query": endless}});
    let running = ask(url, Some(&doomed), "tools/call", query);
    let listen = json!({"notifications": {"toolsListChanged": true}});
    let [mut ended, mut kept] =
        [&doomed, &good].map(|key| ask(url, Some(key), "subscriptions/listen", listen.clone()));
    ended.wait_for("subscriptions/acknowledged");
    kept.wait_for("subscriptions/acknowledged");
    // A whole client comes and goes: the query runs by now.
    assert_eq!(lists_tables(url, &good), Some(0));
    let revoke = ["keys", "revoke", "doomed"];
    assert!(command(&serving.folder, &revoke).output().unwrap().status.success());
    let answer = running.message();
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let failure = &answer["result"]["structuredContent"];
    assert_eq!(failure["code"], "AUTHENTICATION_FAILED", "{answer}");
    assert_eq!(ended.message()["error"]["code"], -31001);
    assert_eq!(lists_tables(url, &doomed), Some(4));
    // Somebody else's stream ends with the server, in good order.
    let (status, log) = serving.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("no longer recognised") && !log.contains(&doomed[20..]), "{log}");
    assert!(kept.message()["result"].is_object());
}

#[test]
fn a_key_file_that_breaks_leaves_the_keys_and_is_told() {
    let (serving, good, _) = served("");
    let url = serving.url("data");
    let file = serving.folder.path().join("keys.json");
    let (status, body) = readiness(url);
    assert_eq!((status, &body["checks"]["api_keys"]), (200, &json!("ready")));
    let before = std::fs::read(&file).unwrap();
    std::fs::write(&file, &before[..before.len() / 2]).unwrap();
    let (status, body) = readiness_after(url, &good);
    assert_eq!((status, &body["status"]), (200, &json!("degraded")), "{body}");
    let told = body["checks"]["api_keys"].as_str().unwrap();
    assert!(told.contains("the key file can't be read") && !told.contains("keys.json"), "{told}");
    assert_eq!(lists_tables(url, &good), Some(0));
    let (_, log) = serving.stop();
    assert!(log.contains("REVOKED KEYS MAY BE AMONG THEM"), "{log}");
}

#[test]
fn a_key_file_that_breaks_refuses_its_keys_where_that_is_configured() {
    let (serving, good, _) = served("keys_failure = \"refuse\"");
    let url = serving.url("data");
    std::fs::remove_file(serving.folder.path().join("keys.json")).unwrap();
    let (status, body) = readiness_after(url, &good);
    assert_eq!((status, &body["status"]), (503, &json!("not ready")), "{body}");
    let answer = ask(url, Some(&good), "tools/list", json!({})).text();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}
