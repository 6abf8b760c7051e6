//! Messages over Streamable HTTP, one POST each. It knows the headers, and nothing of what the messages mean.

use std::time::Duration;

use base64::Engine as _;
use reqwest::{
    Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;
use tokio::{sync::mpsc, task::JoinSet};
use wharf::keys;

use super::sse::Events;

/// Messages that may wait for the test.
const WAITING: usize = 1024;

type Received = Result<Value, String>;

#[derive(Debug)]
pub(super) struct HttpLink {
    client: reqwest::Client,
    url: String,
    /// What every request of a legacy session carries.
    session: HeaderMap,
    sender: Option<mpsc::Sender<Received>>,
    receiver: mpsc::Receiver<Received>,
    /// Requests that will be answered.
    calls: JoinSet<()>,
    /// Streams that do not end by themselves.
    streams: JoinSet<()>,
}

impl HttpLink {
    pub(super) fn new(url: String) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        // A proxy in the environment is not what a test is about.
        let client = reqwest::Client::builder().no_proxy().build();
        let client = match client {
            Ok(client) => client,
            Err(error) => panic!("no HTTP client can be made: {error}"),
        };
        Self {
            client,
            url,
            session: HeaderMap::new(),
            sender: Some(sender),
            receiver,
            calls: JoinSet::new(),
            streams: JoinSet::new(),
        }
    }

    pub(super) async fn send(&mut self, message: &str) -> Result<(), String> {
        let Some(sender) = self.sender.clone() else {
            return Err("the input has ended".to_owned());
        };
        let value: Value = serde_json::from_str(message).unwrap_or_default();
        let method = value["method"].as_str().unwrap_or_default();
        let is_request = !method.is_empty() && value.get("id").is_some();
        let request = self
            .client
            .post(&self.url)
            .headers(self.headers(&value))
            .header(CONTENT_TYPE, "application/json")
            .body(message.to_owned());
        if is_request && method != "initialize" {
            let set = match method {
                "subscriptions/listen" => &mut self.streams,
                _ => &mut self.calls,
            };
            set.spawn(async move {
                match request.send().await {
                    Ok(response) => read(response, &sender).await,
                    Err(error) => drop(sender.send(Err(told(&error))).await),
                }
            });
            return Ok(());
        }
        let response = request.send().await.map_err(|error| told(&error))?;
        if method == "initialize" {
            self.begin_session(&response, &value);
        }
        read(response, &sender).await;
        if method == "notifications/initialized" && !self.session.is_empty() {
            self.open_stream(sender).await?;
        }
        Ok(())
    }

    fn headers(&self, message: &Value) -> HeaderMap {
        let mut headers = self.session.clone();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        let params = &message["params"];
        let Some(revision) = params["_meta"][keys::PROTOCOL_VERSION].as_str() else {
            return headers;
        };
        let name = params["name"].as_str().or_else(|| params["uri"].as_str());
        let mirrored = [
            ("mcp-protocol-version", Some(revision)),
            ("mcp-method", message["method"].as_str()),
            ("mcp-name", name),
        ];
        for (header, value) in mirrored {
            if let Some(value) = value.and_then(header_value) {
                headers.insert(HeaderName::from_static(header), value);
            }
        }
        headers
    }

    fn begin_session(&mut self, response: &Response, request: &Value) {
        self.session.clear();
        if let Some(id) = response.headers().get("mcp-session-id") {
            self.session.insert("mcp-session-id", id.clone());
        }
        if let Some(revision) = request["params"]["protocolVersion"].as_str().and_then(header_value)
        {
            self.session.insert("mcp-protocol-version", revision);
        }
    }

    /// What a legacy server says outside of calls comes over a GET stream, if it has one.
    async fn open_stream(&mut self, sender: mpsc::Sender<Received>) -> Result<(), String> {
        let request = self.client.get(&self.url).headers(self.session.clone());
        let response = request.header(ACCEPT, "text/event-stream").send().await;
        let response = response.map_err(|error| told(&error))?;
        if response.status() != StatusCode::METHOD_NOT_ALLOWED {
            self.streams.spawn(async move { read(response, &sender).await });
        }
        Ok(())
    }

    pub(super) async fn next(&mut self) -> Result<Option<Value>, String> {
        self.receiver.recv().await.transpose()
    }

    pub(super) async fn finish(&mut self, patience: Duration) {
        self.sender = None;
        // Answers that do not fit into the channel wait for `next`, so not all calls have to end here.
        let calls = async { while self.calls.join_next().await.is_some() {} };
        drop(tokio::time::timeout(patience, calls).await);
        self.streams.shutdown().await;
    }
}

/// A header's value; what a header can't carry is encoded as the specification says (basic/transports).
fn header_value(text: &str) -> Option<HeaderValue> {
    let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && text.trim() == text;
    if plain && !(text.starts_with("=?base64?") && text.ends_with("?=")) {
        return HeaderValue::from_str(text).ok();
    }
    let encoded = base64::engine::general_purpose::STANDARD.encode(text);
    HeaderValue::from_str(&format!("=?base64?{encoded}?=")).ok()
}

/// Passes on every message of a response.
async fn read(mut response: Response, sender: &mpsc::Sender<Received>) {
    let status = response.status();
    let is_stream = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let (mut events, mut body) = (Events::default(), Vec::new());
    loop {
        match response.chunk().await {
            Ok(None) => break,
            Ok(Some(chunk)) if is_stream => {
                for data in events.push(&chunk) {
                    drop(sender.send(message(status, &data)).await);
                }
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Err(error) => return drop(sender.send(Err(told(&error))).await),
        }
    }
    let body = String::from_utf8_lossy(&body);
    // 202 has no body: the message was taken, and needs no answer.
    if !body.is_empty() || !status.is_success() {
        drop(sender.send(message(status, &body)).await);
    }
}

fn message(status: StatusCode, text: &str) -> Received {
    match serde_json::from_str(text) {
        Ok(Value::Object(message)) => Ok(message.into()),
        Ok(Value::Array(batch)) => Ok(batch.into()),
        _ => Err(format!("HTTP {status}: {text}")),
    }
}

/// An error with its causes: reqwest's own text hides them.
fn told(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
