//! Exit codes, each seen at least once.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    thread::JoinHandle,
};

use serde_json::Value;

use crate::everything::{Listening, binary, json, over_stdio, stderr, stdout, wharf};

#[test]
fn failed_tools_are_1() {
    let called = over_stdio(&["call", "test_error_handling"]).assert().code(1);
    assert_eq!(stdout(&called), "This tool intentionally returns an error for testing\n");
    let called = over_stdio(&["call", "test_error_handling", "--json"]).assert().code(1);
    assert_eq!(json(&called)["result"]["isError"], true);
}

#[test]
fn protocol_errors_are_2() {
    let server = Listening::start();
    for era in ["modern", "legacy"] {
        let called = wharf(&["call", &server.url, "test_simple_txt", "--json", "--era", era])
            .assert()
            .code(2);
        let error = &json(&called)["error"];
        assert_eq!(
            (&error["kind"], &error["code"]),
            (&"protocol".into(), &(-32602).into()),
            "{error}"
        );
        assert!(
            error["hint"].as_str().is_some_and(|hint| hint.contains("test_simple_text")),
            "{error}"
        );
        let read = wharf(&["read", &server.url, "test://missing", "--era", era]).assert().code(2);
        assert!(stderr(&read).contains("JSON-RPC error"), "{}", stderr(&read));
        assert_eq!(stdout(&read), "");
    }
}

#[test]
fn unreachable_servers_are_3() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}/mcp", listener.local_addr().expect("bound"))
    };
    for era in ["auto", "modern", "legacy"] {
        let listed = wharf(&["list", &closed, "--era", era, "--json"]).assert().code(3);
        assert_eq!(json(&listed)["error"]["kind"], "transport");
        assert!(stderr(&listed).to_lowercase().contains("refused"), "{}", stderr(&listed));
    }
    wharf(&["list", "--", "/does/not/exist"]).assert().code(3);
    wharf(&["list", "--", "true"]).assert().code(3);
}

#[test]
fn silent_servers_are_3_and_end_with_the_command() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("pid");
    let script = format!("echo $$ > '{}'; while read -r line; do :; done", file.display());
    let listed = wharf(&["list", "--timeout", "1", "--", "sh", "-c", &script]).assert().code(3);
    assert!(stderr(&listed).contains("no answer within 1 seconds"), "{}", stderr(&listed));
    let pid = std::fs::read_to_string(file).expect("the server ran");
    // A killed process stays listed as a zombie until its new parent looks at it.
    let state =
        Command::new("ps").args(["-o", "stat=", "-p", pid.trim()]).output().expect("ps runs");
    let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
    assert!(state.is_empty() || state.starts_with('Z'), "the server is still there: {state}");
}

#[test]
fn refused_credentials_are_4() {
    for (status, challenge) in [
        ("401 Unauthorized", "WWW-Authenticate: Bearer realm=\"x\"\r\n"),
        ("401 Unauthorized", ""),
        ("403 Forbidden", "WWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n"),
        ("403 Forbidden", ""),
    ] {
        for era in ["auto", "legacy"] {
            let (url, server) = refusing(status, challenge);
            let listed = wharf(&["list", &url, "--era", era, "--token", "s3cret", "--json"])
                .assert()
                .code(4);
            assert_eq!(json(&listed)["error"]["kind"], "authentication", "{status} {challenge}");
            assert!(!stderr(&listed).contains("s3cret"), "{}", stderr(&listed));
            let request = server.join().expect("one request").to_lowercase();
            assert!(request.contains("authorization: bearer s3cret"), "{request}");
        }
    }
}

/// Answers one request with this status.
fn refusing(status: &str, challenge: &str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("bound"));
    let answer =
        format!("HTTP/1.1 {status}\r\n{challenge}Content-Length: 0\r\nConnection: close\r\n\r\n");
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("one connection");
        let head = read_request(&stream);
        stream.write_all(answer.as_bytes()).expect("the client reads");
        head
    });
    (url, server)
}

/// The head of a request; its body is read too, or closing the socket would reset it.
fn read_request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).expect("a request"), 0, "{head}");
    }
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().expect("a length"));
    reader.read_exact(&mut vec![0; length]).expect("a body");
    head
}

#[test]
fn nonsense_is_64_before_anything_starts() {
    for arguments in [
        &["frobnicate"][..],
        &["list"],
        &["list", "tools"],
        &["list", "http://127.0.0.1:1/mcp", "spoons"],
        &["list", "http://127.0.0.1:1/mcp", "tools", "more"],
        &["list", "--era", "bronze", "http://127.0.0.1:1/mcp"],
        &["list", "--timeout", "0", "http://127.0.0.1:1/mcp"],
        &["list", "--header", "s3cret", "http://127.0.0.1:1/mcp"],
        &["list", "--header", "X: s3cret\u{1}", "http://127.0.0.1:1/mcp"],
        &["list", "--header", "X: a", "--header", "x: s3cret", "http://127.0.0.1:1/mcp"],
        &["list", "--header", "Accept: s3cret", "http://127.0.0.1:1/mcp"],
        &["list", "--header", "X: s3cret", "--", "true"],
        &[
            "list",
            "--header",
            "Authorization: s3cret",
            "--token",
            "s3cret",
            "http://127.0.0.1:1/mcp",
        ],
        &["list", "--token", "s3cret\n", "http://127.0.0.1:1/mcp"],
        &["call", "http://127.0.0.1:1/mcp"],
        &["call", "http://127.0.0.1:1/mcp", "add", "a"],
        &["call", "http://127.0.0.1:1/mcp", "add", "--args", "[]"],
        &["call", "http://127.0.0.1:1/mcp", "add", "a=1", "--args", "{}"],
        &["read", "http://127.0.0.1:1/mcp"],
        &["prompt", "http://127.0.0.1:1/mcp", "name", "=x"],
    ] {
        let assert = wharf(arguments).assert().code(64);
        assert_eq!(stdout(&assert), "", "{arguments:?}");
        assert!(!stderr(&assert).contains("s3cret"), "a secret in {}", stderr(&assert));
    }
    wharf(&["--help"]).assert().success();
    wharf(&["call", "--help"]).assert().success();
}

#[test]
fn arguments_that_do_not_fit_the_schema_are_64() {
    let answered = over_stdio(&["call", "test_custom_header", "value:=nope"]).assert().code(64);
    assert!(stderr(&answered).contains("value: not JSON"), "{}", stderr(&answered));
}

/// A server that writes down what it receives, and never answers a call. It says "called" on stderr when one arrives.
const SILENT: &str = r#"
while IFS= read -r line; do
  printf '%s\n' "$line" >> "$0"
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case $line in
    *'"initialize"'*) result='{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"silent","version":"0"}}' ;;
    *'"tools/list"'*) result='{"tools":[]}' ;;
    *'"tools/call"'*) echo called >&2; continue ;;
    *) continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
"#;

#[test]
fn calls_that_take_too_long_are_cancelled() {
    let directory = tempfile::tempdir().expect("a directory");
    let received = directory.path().join("received");
    let received = received.to_str().expect("UTF-8");
    let called = wharf(&["call", "slow", "--era", "legacy", "--timeout", "1", "--json"])
        .args(["--", "sh", "-c", SILENT, received])
        .assert()
        .code(3);
    assert_eq!(json(&called)["error"]["kind"], "transport");
    assert_cancelled(received);
}

#[cfg(unix)]
#[test]
fn interrupted_calls_are_130_and_cancelled() {
    let directory = tempfile::tempdir().expect("a directory");
    let received = directory.path().join("received");
    let received = received.to_str().expect("UTF-8");
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("wharf"))
        .args(["call", "slow", "--era", "legacy", "--", "sh", "-c", SILENT, received])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("wharf starts");
    let mut line = String::new();
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    stderr.read_line(&mut line).expect("a line");
    assert_eq!(line, "called\n");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_cancelled(received);
}

/// The last message is the cancellation of the call.
fn assert_cancelled(received: &str) {
    let received = std::fs::read_to_string(received).expect("the server ran");
    let messages: Vec<Value> = received
        .lines()
        .map(|line| serde_json::from_str(line).expect("one message per line"))
        .collect();
    let call = messages.iter().find(|message| message["method"] == "tools/call").expect("a call");
    let last = messages.last().expect("messages");
    assert_eq!(last["method"], "notifications/cancelled", "{received}");
    assert_eq!(last["params"]["requestId"], call["id"], "{received}");
}

#[test]
fn unwritable_output_is_70() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        return;
    };
    let listed = Command::new(assert_cmd::cargo::cargo_bin("wharf"))
        .args(["list", "--"])
        .arg(binary())
        .stdout(full)
        .output()
        .expect("wharf runs");
    assert_eq!(listed.status.code(), Some(70));
    assert!(String::from_utf8_lossy(&listed.stderr).contains("cannot write to stdout"));
}

#[test]
fn two_commands_at_once_do_not_disturb_each_other() {
    let server = Listening::start();
    std::thread::scope(|scope| {
        for value in ["one", "two", "three", "four"] {
            let url = &server.url;
            scope.spawn(move || {
                let argument = format!("value={value}");
                let called =
                    wharf(&["call", url, "test_custom_header", &argument]).assert().success();
                assert_eq!(stdout(&called), format!("Value: {value}\n"));
            });
        }
    });
}
