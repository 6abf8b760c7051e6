//! `wharf serve` and `wharf stdio` as an operator and a desktop client run them.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, ExitStatus, Stdio},
};

use assert_cmd::cargo::CommandCargoExt as _;
use serde_json::{Value, json};

use crate::everything::{json as printed, stderr, stdout, wharf};

/// The built binary in an empty folder, so that no wharf.toml is found.
pub(crate) fn command(folder: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("wharf").expect("the binary is built");
    command.args(arguments).current_dir(folder.path()).stdin(Stdio::null());
    command
}

pub(crate) struct Serving {
    child: Child,
    pub(crate) urls: Vec<(String, String)>,
    pub(crate) folder: tempfile::TempDir,
}

impl Serving {
    pub(crate) fn start(config: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        if !config.is_empty() {
            std::fs::write(folder.path().join("wharf.toml"), config).expect("a file");
        }
        let mut command = command(&folder, &["serve", "--listen", "127.0.0.1:0", "--json"]);
        command.args(arguments);
        Self::spawn(command, folder)
    }

    /// Starts a `serve --json` that is ready to go, in a folder that lives as long as it does.
    pub(crate) fn spawn(mut command: Command, folder: tempfile::TempDir) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("one line");
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        let servers = said["servers"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let urls = servers.iter().map(|one| (text(&one["name"]), text(&one["url"]))).collect();
        Self { child, urls, folder }
    }

    pub(crate) fn url(&self, name: &str) -> &str {
        let found = self.urls.iter().find(|(known, _)| known == name);
        found.map(|(_, url)| url.as_str()).unwrap_or_else(|| panic!("{name} is not served"))
    }

    /// Ends it as a service manager does; gives what it wrote on stderr.
    pub(crate) fn stop(mut self) -> (ExitStatus, String) {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(killed.success());
        let status = self.child.wait().expect("it ends");
        let mut log = String::new();
        let stderr = self.child.stderr.as_mut().expect("stderr is piped");
        stderr.read_to_string(&mut log).expect("UTF-8");
        (status, log)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_demo_is_served_without_any_configuration() {
    let serving = Serving::start("", &[]);
    let database = serving.url("database");
    assert!(database.ends_with("/mcp/database"), "{database}");
    let query = "query=SELECT count(*) FROM airports";
    for era in ["modern", "legacy"] {
        let called =
            wharf(&["call", database, "execute_query", query, "--era", era, "--json"]).assert();
        let called = printed(&called.success());
        assert_eq!(called["result"]["structuredContent"]["rows"], json!([[3376]]), "{era}");
    }
    wharf(&["read", serving.url("calculator"), "greeting://Ada"])
        .assert()
        .success()
        .stdout("Hello, Ada!");
    let (status, log) = serving.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("calculator  listening on http://127.0.0.1:"), "{log}");
}

#[test]
fn the_announced_command_can_be_pasted() {
    let serving = Serving::start("", &[]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let (_, log) = {
        let pasted = serving;
        // The line is on stderr, which is read at the end; the server must still run when it is pasted.
        let second = Serving::start("", &[]);
        let (status, log) = second.stop();
        let line = log.lines().find(|line| line.contains(" call http")).expect("a command");
        let own = pasted.url("database");
        let words: Vec<&str> = line.trim().splitn(4, ' ').collect();
        let shell = format!("{} call {own} {}", words[0], words[3]);
        let out = Command::new("sh").args(["-c", &shell]).output().expect("sh runs");
        assert!(out.status.success(), "{shell}\n{}", String::from_utf8_lossy(&out.stderr));
        assert!(String::from_utf8_lossy(&out.stdout).contains("departures"));
        (status, log)
    };
    assert!(log.contains("stopped"), "{log}");
}

#[test]
fn one_server_is_at_the_root_and_takes_its_keys_as_options() {
    let serving = Serving::start("", &["database", "--row-limit", "2", "--sample"]);
    let url = serving.url("database");
    assert!(url.ends_with("/mcp"), "{url}");
    let call =
        |limit: &str| wharf(&["call", url, "execute_query", "query=SELECT 1", limit]).assert();
    call("limit=2").success();
    let refused = call("limit=3").code(1);
    assert!(stdout(&refused).contains("limit"), "{}", stdout(&refused));
}

#[test]
fn a_configured_server_is_served_from_its_file() {
    let config = "[servers.shop]\nkind = \"database\"\npath = \"shop.db\"\n\
                  [servers.sums]\nkind = \"calculator\"\n[logging]\nformat = \"json\"\n";
    let serving = Serving::start(config, &[]);
    let shop = serving.url("shop").to_owned();
    // The file is missing: said by readiness and by a call, without its path.
    let failed = wharf(&["call", &shop, "list_tables"]).assert().code(1);
    let told = stdout(&failed);
    assert!(told.contains("SERVICE_UNAVAILABLE") && !told.contains("shop.db"), "{told}");
    let path = serving.folder.path().join("shop.db");
    let script = "CREATE TABLE items(name TEXT); INSERT INTO items VALUES ('rope')";
    let database = rusqlite::Connection::open(path).unwrap();
    database.execute_batch(script).unwrap();
    let query = "query=SELECT name FROM items";
    let called = wharf(&["call", &shop, "execute_query", query, "--json"]).assert().success();
    let rows = &printed(&called)["result"]["structuredContent"]["rows"];
    assert_eq!(*rows, json!([["rope"]]));
    let (status, log) = serving.stop();
    assert_eq!(status.code(), Some(0));
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        assert!(line["level"].is_string());
    }
    assert!(log.contains("listening on "), "{log}");
}

#[test]
fn configured_limits_are_in_force() {
    let config = "[rate_limits]\nper_caller = \"1/h\"\nper_caller_burst = 2\n\
                  [limits]\nresponse_budget = \"4KiB\"\n";
    let serving = Serving::start(config, &[]);
    let (sums, data) = (serving.url("calculator"), serving.url("database"));
    let call = ["call", sums, "calculate", "expression=2+2"];
    for _ in 0..2 {
        wharf(&call).assert().success();
    }
    let told = stdout(&wharf(&call).assert().code(1));
    assert!(told.contains("RATE_LIMITED") && told.contains("retry_after_seconds"), "{told}");
    // Each server counts for itself; its long answer is cut and read on.
    let query = "query=SELECT * FROM airport_traffic LIMIT 100";
    let long = ["call", data, "execute_query", query, "--json"];
    let result = printed(&wharf(&long).assert().success())["result"].take();
    assert_eq!(result["_meta"]["dev.wharf/truncated"], true, "{result}");
    assert!(result.get("structuredContent").is_none());
    let rest = result["_meta"]["dev.wharf/rest"].as_str().expect("an address");
    let page = stdout(&wharf(&["read", data, rest]).assert().success());
    assert!(page.contains("[\"0V7\",\"Kayenta\""), "{page}");
}

#[test]
fn stdio_speaks_the_protocol_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(&folder, &["stdio", "calculator"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A client by hand: an old revision, and no notifications/initialized.
    let messages = [
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "hand", "version": "1"}}}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
            "params": {"name": "calculate", "arguments": {"expression": "2+2"}}}),
    ];
    let mut stdin = child.stdin.take().unwrap();
    for message in &messages {
        writeln!(stdin, "{message}").unwrap();
    }
    drop(stdin);
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(0));
    let lines: Vec<Value> = String::from_utf8(out.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0]["result"]["protocolVersion"], "2024-11-05");
    assert!(lines[1]["result"]["content"][0]["text"].as_str().unwrap().contains('4'));
}

#[test]
fn what_can_not_be_served_is_told_and_ends_with_its_code() {
    let refused = |arguments: &[&str], code: i32, parts: &[&str]| {
        let ended = wharf(arguments).assert().code(code);
        let told = stderr(&ended);
        for part in parts {
            assert!(told.contains(part), "{arguments:?}: {part:?} is not in\n{told}");
        }
    };
    refused(&["stdio"], 64, &["<SERVER>"]);
    refused(&["stdio", "databse"], 64, &["command line SERVER", "did you mean `database`?"]);
    refused(&["serve", "--config", "/nonexistent.toml"], 64, &["can't read the configuration"]);
    refused(&["serve", "--listen", "localhost"], 64, &["command line --listen", "127.0.0.1:8080"]);
    refused(
        &["serve", "--listen", "0.0.0.0:0"],
        64,
        &["can be reached by others and no authentication is configured"],
    );
    let serving = Serving::start("", &["calculator"]);
    let taken = serving.url("calculator").trim_start_matches("http://").trim_end_matches("/mcp");
    refused(&["serve", "--listen", taken], 70, &["can't listen on", "--listen 127.0.0.1:PORT"]);
}

#[test]
fn the_configuration_is_checked_without_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wharf.toml");
    let config = path.to_str().unwrap();
    std::fs::write(&path, "[http]\nlisten = \"0.0.0.0:80\"\n").unwrap();
    wharf(&["config", "check", "--config", config])
        .assert()
        .success()
        .stdout("ok: calculator, database\n");
    std::fs::write(&path, "[http]\nlistne = \"x\"\n").unwrap();
    let refused = wharf(&["config", "check", "--config", config]).assert().code(64);
    assert!(stderr(&refused).contains("did you mean `listen`?"), "{}", stderr(&refused));
    let schema = printed(&wharf(&["config", "schema"]).assert().success());
    assert!(schema["properties"]["http"].is_object());
    let manual = include_str!("../../../../docs/CONFIG.md");
    wharf(&["config", "manual"]).assert().success().stdout(manual);
}

#[test]
fn folders_are_served_by_name_and_nothing_beside_them() {
    let config = "[servers.files]\nkind = \"files\"\nroots = [\"docs=docs\"]\n";
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("docs")).expect("a folder");
    std::fs::write(folder.path().join("docs/a.md"), "inside").expect("a file");
    std::fs::write(folder.path().join("secret"), "outside").expect("a file");
    std::fs::write(folder.path().join("wharf.toml"), config).expect("a file");
    let config = folder.path().join("wharf.toml");
    let config = config.to_str().expect("UTF-8");
    // The folder starts at the file, wherever the server was started.
    let serving = Serving::start("", &["--config", config]);
    let url = serving.url("files");
    let read = |path: &str| wharf(&["call", url, "read_file", &format!("path={path}"), "--json"]);
    assert!(stdout(&read("docs/a.md").assert().success()).contains("inside"));
    let refused = read("docs/../secret").assert().failure();
    assert!(stdout(&refused).contains("PERMISSION_DENIED"), "{}", stdout(&refused));
    let resource = wharf(&["read", url, "file:///docs/a.md"]).assert().success();
    assert_eq!(stdout(&resource).trim_end(), "inside");
}
