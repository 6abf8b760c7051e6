//! A client that speaks HTTP/1.1 byte by byte, so that it can also speak it wrongly.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use wharf::transport::{
    Shutdown,
    http::{Http, HttpService, HttpSettings, ResponseBody},
};

use crate::world::{PATIENCE, World};

/// A listener on a free port; it ends with the test.
pub(crate) struct Site {
    pub(crate) addr: SocketAddr,
    pub(crate) shutdown: Shutdown,
    task: JoinHandle<()>,
}

impl Site {
    pub(crate) async fn new(world: &World) -> Self {
        Self::with(world, |_| {}).await
    }

    pub(crate) async fn with(world: &World, change: impl FnOnce(&mut HttpSettings)) -> Self {
        let mut settings = HttpSettings::default();
        change(&mut settings);
        Self::start(Http::new(settings).service(world.service.clone())).await
    }

    pub(crate) async fn start(http: Http) -> Self {
        let bound = http.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (addr, shutdown) = (bound.local_addr(), Shutdown::new(std::time::Duration::ZERO));
        let ending = shutdown.clone();
        let task = tokio::spawn(async move { bound.serve(&ending).await });
        Self { addr, shutdown, task }
    }

    pub(crate) async fn connect(&self) -> Wire {
        let stream = TcpStream::connect(self.addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Wire { stream, buffer: Vec::new() }
    }

    /// Waits for the listener to end.
    pub(crate) async fn ended(self) {
        timeout(PATIENCE, self.task).await.expect("it goes on").unwrap();
    }

    /// One request on a connection of its own.
    pub(crate) async fn ask(&self, request: &Request) -> Response {
        self.connect().await.ask(request).await
    }
}

/// A request, well-formed until a test changes it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str) -> Self {
        Self { line: format!("{method} /mcp HTTP/1.1"), headers: Vec::new(), body: Vec::new() }
            .header("Host", "localhost")
            .header("Accept", "application/json, text/event-stream")
    }

    pub(crate) fn post(body: impl Into<Vec<u8>>) -> Self {
        let mut request = Self::new("POST").header("Content-Type", "application/json");
        request.body = body.into();
        request
    }

    /// A legacy request.
    pub(crate) fn legacy(id: impl Into<Value>, method: &str, params: Value) -> Self {
        let id: Value = id.into();
        Self::post(
            json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string(),
        )
    }

    /// A request of 2026-07-28, with the headers that mirror its body.
    pub(crate) fn modern(id: impl Into<Value>, method: &str, params: Value) -> Self {
        let params = crate::conversation::with_meta(params);
        let name = params.get("name").or_else(|| params.get("uri"));
        let name = name.and_then(Value::as_str).map(str::to_owned);
        let mut request = Self::legacy(id, method, params)
            .header("MCP-Protocol-Version", "2026-07-28")
            .header("Mcp-Method", method);
        if let Some(name) = name {
            request = request.header("Mcp-Name", &name);
        }
        request
    }

    pub(crate) fn tool(id: impl Into<Value>, name: &str, arguments: Value) -> Self {
        Self::modern(id, "tools/call", json!({"name": name, "arguments": arguments}))
    }

    /// Sets a header, replacing what it was.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        self.without(name).also(name, value)
    }

    /// Adds a header, even a second time.
    pub(crate) fn also(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn line(mut self, line: &str) -> Self {
        line.clone_into(&mut self.line);
        self
    }

    /// The head without a length, for tests that lie about it.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut out = format!("{}\r\n", self.line).into_bytes();
        for (name, value) in &self.headers {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        out
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.head();
        if !self.body.is_empty() {
            out.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
        out
    }
}

/// The HTTP service without a socket: for what depends on time, which tests can only pause where nothing outside waits.
pub(crate) struct Direct(pub(crate) HttpService);

impl Direct {
    pub(crate) fn with(world: &World, change: impl FnOnce(&mut HttpSettings)) -> Self {
        let mut settings = HttpSettings::default();
        change(&mut settings);
        Self(Http::new(settings).service(world.service.clone()).into_service())
    }

    /// The response as soon as its head is there.
    pub(crate) async fn open(&self, request: &Request) -> http::Response<ResponseBody> {
        let mut parts = request.line.split(' ');
        let mut new = http::Request::builder().method(parts.next().unwrap());
        for (name, value) in &request.headers {
            new = new.header(name, value);
        }
        let body = Full::new(Bytes::from(request.body.clone()));
        let local = "127.0.0.1:1".parse().unwrap();
        self.0.serve(new.uri(parts.next().unwrap()).body(body).unwrap(), local, local).await
    }

    pub(crate) async fn ask(&self, request: &Request) -> Response {
        let (head, body) = self.open(request).await.into_parts();
        let headers = head.headers.iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        Response {
            status: head.status.as_u16(),
            headers: headers.collect(),
            body: body.collect().await.unwrap().to_bytes().into(),
        }
    }
}

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The one message of a JSON body, or the last one of a stream.
    pub(crate) fn json(&self) -> Value {
        if self.header("content-type") == Some("text/event-stream") {
            let last = self.text().lines().rev().find_map(|line| line.strip_prefix("data: {"));
            return serde_json::from_str(&format!("{{{}", last.unwrap())).unwrap();
        }
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(crate) fn error_code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().unwrap_or_else(|| panic!("{self:?}"))
    }
}

/// One event of a stream.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

/// One connection.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    pub(crate) async fn ask(&mut self, request: &Request) -> Response {
        self.send(&request.to_bytes()).await;
        self.response().await
    }

    /// Sends the request and reads the head of a streamed response.
    pub(crate) async fn open(&mut self, request: &Request) -> Response {
        self.send(&request.to_bytes()).await;
        let response = self.head().await;
        assert_eq!(response.header("content-type"), Some("text/event-stream"), "{response:?}");
        response
    }

    /// Sends bytes; a server that has closed already is no failure of the sender.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes).await);
    }

    /// Reads more; false at the end.
    async fn more(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
        read.expect("the server says nothing").is_ok_and(|count| count > 0)
    }

    /// Takes everything up to and including `end`; `None` when the connection ends before.
    async fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end) {
                return Some(self.buffer.drain(..at + end.len()).collect());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    pub(crate) async fn head(&mut self) -> Response {
        let head = self.until(b"\r\n\r\n").await.expect("no response");
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        Response { status, headers: headers.collect(), body: Vec::new() }
    }

    pub(crate) async fn response(&mut self) -> Response {
        let mut response = self.head().await;
        if response.header("transfer-encoding").is_some() {
            while let Some(chunk) = self.chunk().await {
                response.body.extend_from_slice(&chunk);
            }
        } else if let Some(length) = response.header("content-length") {
            let length = length.parse().unwrap();
            while self.buffer.len() < length {
                assert!(self.more().await, "the body is cut short");
            }
            response.body = self.buffer.drain(..length).collect();
        }
        response
    }

    async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = self.until(b"\r\n").await?;
        let size = usize::from_str_radix(std::str::from_utf8(&size).unwrap().trim(), 16).unwrap();
        while self.buffer.len() < size + 2 {
            if !self.more().await {
                return None;
            }
        }
        let chunk = self.buffer.drain(..size + 2).take(size).collect();
        (size > 0).then_some(chunk)
    }

    /// The next event of a stream whose head was read; `None` at its end. Every event is one chunk.
    pub(crate) async fn event(&mut self) -> Option<Event> {
        loop {
            let text = String::from_utf8(self.chunk().await?).unwrap();
            let field = |name: &str| {
                text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned)
            };
            let Some(data) = field("data: ") else { continue };
            let data = serde_json::from_str(&data).unwrap_or(Value::Null);
            return Some(Event { id: field("id: "), data });
        }
    }

    /// The next frame of a stream, be it a comment.
    pub(crate) async fn frame(&mut self) -> Option<String> {
        self.chunk().await.map(|chunk| String::from_utf8(chunk).unwrap())
    }

    /// The status of the next response; `None` when the connection ends without one.
    pub(crate) async fn status_or_close(&mut self) -> Option<u16> {
        let line = self.until(b"\r\n").await?;
        std::str::from_utf8(&line).unwrap().split(' ').nth(1)?.parse().ok()
    }

    /// Whether the server closes without saying anything more.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.buffer.is_empty() && !self.more().await
    }
}
