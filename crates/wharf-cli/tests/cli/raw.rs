//! HTTP by hand, for what a client would not send or not wait for.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

/// A request of 2026-07-28 under way.
pub(crate) struct Asked(TcpStream);

/// Sends a request to a server at `url`; `headers` are whole lines.
fn send(url: &str, first: &str, headers: &str, body: &str) -> Asked {
    let (host, target) =
        url.trim_start_matches("http://").split_once('/').expect("a URL with a path");
    let head = format!(
        "{first} /{target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(host).expect("the server listens");
    stream.write_all(format!("{head}{body}").as_bytes()).expect("it reads");
    Asked(stream)
}

/// Sends `method` with these parameters and a `_meta` of 2026-07-28.
pub(crate) fn ask(url: &str, key: Option<&str>, method: &str, mut params: Value) -> Asked {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    let mut headers = format!(
        "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n"
    );
    if let Some(name) = params["name"].as_str() {
        headers.push_str(&format!("Mcp-Name: {name}\r\n"));
    }
    if let Some(key) = key {
        headers.push_str(&format!("X-API-Key: {key}\r\n"));
    }
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    send(url, "POST", &headers, &body)
}

/// The status and the text of `/metrics` of the server at `url`.
pub(crate) fn metrics(url: &str, key: Option<&str>) -> (u16, String) {
    let headers = key.map(|key| format!("Authorization: Bearer {key}\r\n")).unwrap_or_default();
    let answer = beside(url, "metrics", &headers);
    (status(&answer), answer)
}

/// What is served at `/{path}` beside the server at `url`.
fn beside(url: &str, path: &str, headers: &str) -> String {
    let host = url.trim_start_matches("http://").split('/').next().expect("a host");
    send(&format!("http://{host}/{path}"), "GET", headers, "").text()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

/// The status and the JSON of `/readyz` of the server at `url`.
pub(crate) fn readiness(url: &str) -> (u16, Value) {
    let answer = beside(url, "readyz", "");
    (status(&answer), last_json(&answer))
}

impl Asked {
    /// Everything that is answered, up to the end.
    pub(crate) fn text(mut self) -> String {
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).expect("it answers");
        answer
    }

    /// The last message of the answer.
    pub(crate) fn message(self) -> Value {
        last_json(&self.text())
    }

    /// Reads until this text has come.
    pub(crate) fn wait_for(&mut self, expected: &str) {
        let (mut seen, mut byte) = (Vec::new(), [0]);
        while !seen.ends_with(expected.as_bytes()) {
            self.0.read_exact(&mut byte).expect("it goes on");
            seen.push(byte[0]);
        }
    }
}

fn last_json(answer: &str) -> Value {
    let json = answer.lines().rev().find_map(|line| {
        let line = line.strip_prefix("data: ").unwrap_or(line);
        serde_json::from_str::<Value>(line).ok().filter(Value::is_object)
    });
    json.unwrap_or_else(|| panic!("no JSON in {answer}"))
}
