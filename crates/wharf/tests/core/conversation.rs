//! The same conversation over each transport and in each era: what is asserted of one holds for all four.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, split},
    task::JoinHandle,
    time::timeout,
};
use wharf::{
    Caller, Service,
    transport::{Shutdown, memory},
};

use crate::{
    wire::{Request, Site},
    world::{PATIENCE, World},
};

/// `params` with the `_meta` that every request of 2026-07-28 carries; what is there already stays.
pub(crate) fn with_meta(mut params: Value) -> Value {
    let capabilities = json!({"elicitation": {"form": {}}});
    let meta = params.as_object_mut().unwrap().entry("_meta").or_insert_with(|| json!({}));
    let meta = meta.as_object_mut().unwrap();
    meta.entry(wharf::keys::PROTOCOL_VERSION).or_insert("2026-07-28".into());
    meta.entry(wharf::keys::CLIENT_CAPABILITIES).or_insert(capabilities);
    params
}

/// A transport and an era.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    HttpModern,
    HttpLegacy,
    LinesModern,
    LinesLegacy,
}

impl Way {
    pub(crate) const ALL: [Self; 4] =
        [Self::HttpModern, Self::HttpLegacy, Self::LinesModern, Self::LinesLegacy];

    pub(crate) fn is_modern(self) -> bool {
        matches!(self, Self::HttpModern | Self::LinesModern)
    }

    fn is_http(self) -> bool {
        matches!(self, Self::HttpModern | Self::HttpLegacy)
    }
}

/// A client of one of the ways.
pub(crate) struct Conversation {
    pub(crate) way: Way,
    site: Option<Site>,
    session: String,
    lines: Option<Lines>,
}

impl Conversation {
    pub(crate) async fn open(world: &World, way: Way) -> Self {
        let mut this = Self { way, site: None, session: String::new(), lines: None };
        if way.is_http() {
            let site = Site::new(world).await;
            if way == Way::HttpLegacy {
                this.session = initialize(&site, "2025-11-25", json!({})).await;
            }
            this.site = Some(site);
        } else {
            let mut lines = Lines::open(world);
            if way == Way::LinesLegacy {
                lines.initialize("2025-11-25", json!({})).await;
            }
            this.lines = Some(lines);
        }
        this
    }

    /// The result or the error of one request. What every result of the era must carry is checked and taken away.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let mut reply = match (&self.site, &mut self.lines) {
            (Some(site), _) => site.ask(&self.request(7, method, params)).await.json(),
            (None, Some(lines)) => {
                lines.send(&message(self.way.is_modern(), 7, method, params)).await;
                lines.answer().await
            }
            (None, None) => unreachable!("opened above"),
        };
        assert_eq!((&reply["jsonrpc"], &reply["id"]), (&json!("2.0"), &json!(7)), "{reply}");
        if reply.get("error").is_some() {
            return Err(reply["error"].take());
        }
        Ok(plain(self.way.is_modern(), reply["result"].take()))
    }

    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments})).await.unwrap()
    }

    fn request(&self, id: i64, method: &str, params: Value) -> Request {
        match self.way {
            Way::HttpModern => Request::modern(id, method, params),
            _ => Request::legacy(id, method, params).header("Mcp-Session-Id", &self.session),
        }
    }

    /// Starts a request whose answer is not waited for. Dropping the handle loses the connection, over HTTP.
    pub(crate) async fn begin(&mut self, id: i64, tool: &str) -> Option<crate::wire::Wire> {
        let params = json!({"name": tool, "arguments": {}});
        match (&self.site, &mut self.lines) {
            (Some(site), _) => {
                let mut wire = site.connect().await;
                wire.send(&self.request(id, "tools/call", params).to_bytes()).await;
                Some(wire)
            }
            (None, Some(lines)) => {
                lines.send(&message(self.way.is_modern(), id, "tools/call", params)).await;
                None
            }
            (None, None) => unreachable!("opened above"),
        }
    }

    /// The answer of a request that was begun.
    pub(crate) async fn answer(&mut self, begun: Option<crate::wire::Wire>) -> Value {
        match (begun, &mut self.lines) {
            (Some(mut wire), _) => wire.response().await.json(),
            (None, Some(lines)) => lines.answer().await,
            (None, None) => unreachable!("opened above"),
        }
    }

    /// Shuts the server down at once: what still runs has no grace.
    pub(crate) fn shut_down(&self) {
        match (&self.site, &self.lines) {
            (Some(site), _) => site.shutdown.begin(),
            (None, Some(lines)) => lines.shutdown.begin(),
            (None, None) => unreachable!("opened above"),
        }
    }
}

/// What is left of a result once what its era demands was found in it.
pub(crate) fn plain(modern: bool, mut result: Value) -> Value {
    let object = result.as_object_mut().unwrap();
    if modern {
        assert_eq!(object.remove("resultType"), Some(json!("complete")));
        let meta = object.remove("_meta").unwrap();
        let info = json!({"name": "attacked", "version": "1.0.0"});
        assert_eq!(meta[wharf::keys::SERVER_INFO], info);
    } else {
        assert!(!object.contains_key("resultType") && !object.contains_key("_meta"), "{object:?}");
    }
    result
}

/// Begins a session; gives its id.
pub(crate) async fn initialize(site: &Site, revision: &str, capabilities: Value) -> String {
    let response = site.ask(&initialize_request(revision, capabilities)).await;
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(response.json()["result"]["protocolVersion"], revision);
    response.header("mcp-session-id").unwrap().to_owned()
}

pub(crate) fn initialize_request(revision: &str, capabilities: Value) -> Request {
    Request::legacy(0, "initialize", initialize_params(revision, capabilities))
}

fn initialize_params(revision: &str, capabilities: Value) -> Value {
    let info = json!({"name": "attacker", "version": "0"});
    json!({"protocolVersion": revision, "capabilities": capabilities, "clientInfo": info})
}

/// A request as a message.
pub(crate) fn message(modern: bool, id: i64, method: &str, params: Value) -> Value {
    let params = if modern { with_meta(params) } else { params };
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// A connection of lines, in memory.
pub(crate) struct Lines {
    pub(crate) reader: BufReader<ReadHalf<DuplexStream>>,
    pub(crate) writer: WriteHalf<DuplexStream>,
    pub(crate) task: JoinHandle<std::io::Result<()>>,
    pub(crate) shutdown: Shutdown,
}

impl Lines {
    pub(crate) fn open(world: &World) -> Self {
        Self::with_grace(world, std::time::Duration::ZERO)
    }

    pub(crate) fn with_grace(world: &World, grace: std::time::Duration) -> Self {
        Self::connect(&world.service, Caller::local(), grace)
    }

    /// A connection whose caller configuration gives.
    pub(crate) fn connect(service: &Service, caller: Caller, grace: std::time::Duration) -> Self {
        let shutdown = Shutdown::new(grace);
        let (stream, task) = memory::connect(service, caller, &shutdown);
        let (reader, writer) = split(stream);
        Self { reader: BufReader::new(reader), writer, task, shutdown }
    }

    pub(crate) async fn initialize(&mut self, revision: &str, capabilities: Value) -> Value {
        let params = initialize_params(revision, capabilities);
        self.send(&message(false, 0, "initialize", params)).await;
        self.next().await.unwrap()
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_raw(format!("{message}\n").as_bytes()).await;
    }

    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.writer.write_all(bytes)).await.expect("nobody reads").unwrap();
    }

    /// The next message; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.reader.read_line(&mut line)).await;
        if read.expect("the server says nothing").unwrap() == 0 {
            return None;
        }
        assert!(line.ends_with('\n'), "half a message: {line}");
        Some(serde_json::from_str(&line).unwrap())
    }

    /// The next answer; what a legacy client is told of changes meanwhile is passed over.
    async fn answer(&mut self) -> Value {
        loop {
            let message = self.next().await.expect("an answer");
            if message.get("method").is_none() {
                return message;
            }
        }
    }

    /// The input ends.
    pub(crate) async fn end(&mut self) {
        self.writer.shutdown().await.unwrap();
    }

    /// A request, and its answer.
    pub(crate) async fn ask(&mut self, message: &Value) -> Value {
        self.send(message).await;
        self.next().await.expect("an answer")
    }
}
