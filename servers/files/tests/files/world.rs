//! A folder that is served, another beside it that must never be, and a client.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use wharf::{
    Caller,
    transport::{Shutdown, memory},
};
use wharf_files::{
    error::FilesError,
    limits::Limits,
    settings::{FilesSettings, RootSettings},
    tree::{DirectoryPage, FileContents, Files, ListRequest, ReadRequest},
};

/// What lies outside the root. Whoever sees it has broken out.
pub(crate) const SECRET: &str = "TOP-SECRET-MARKER";

/// `base/root` is served as `docs`; `base/secret.txt` and `base/outside/` are not.
pub(crate) struct World {
    base: TempDir,
    pub(crate) files: Files,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir_all(base.path().join("root")).unwrap();
        fs::create_dir_all(base.path().join("outside")).unwrap();
        fs::write(base.path().join("secret.txt"), SECRET).unwrap();
        fs::write(base.path().join("outside/x.txt"), SECRET).unwrap();
        let files = Files::open(&settings(&base.path().join("root"), limits)).unwrap();
        Self { base, files }
    }

    pub(crate) fn base(&self) -> &Path {
        self.base.path()
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.base.path().join("root").join(path)
    }

    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn link(&self, name: &str, target: impl AsRef<Path>) {
        std::os::unix::fs::symlink(target, self.at(name)).unwrap();
    }

    pub(crate) async fn read(&self, path: &str) -> Result<FileContents, FilesError> {
        self.files.read(ReadRequest { path: path.into(), ..ReadRequest::default() }).await
    }

    pub(crate) async fn part(
        &self,
        path: &str,
        offset: u64,
        limit: usize,
    ) -> Result<FileContents, FilesError> {
        let (path, offset, limit) = (path.into(), Some(offset), Some(limit));
        self.files.read(ReadRequest { path, offset, limit, ..ReadRequest::default() }).await
    }

    pub(crate) async fn lines(
        &self,
        path: &str,
        line: u64,
        lines: Option<u64>,
    ) -> Result<FileContents, FilesError> {
        let (path, line) = (path.into(), Some(line));
        self.files.read(ReadRequest { path, line, lines, ..ReadRequest::default() }).await
    }

    pub(crate) async fn list(&self, path: &str) -> Result<DirectoryPage, FilesError> {
        self.files.list(ListRequest { path: Some(path.into()), ..ListRequest::default() }).await
    }
}

pub(crate) fn settings(root: &Path, limits: Limits) -> FilesSettings {
    let mut settings = FilesSettings::new([RootSettings::new("docs", root)]);
    settings.limits = limits;
    settings
}

/// A client of the server, over a connection in memory.
pub(crate) struct Client {
    stream: BufReader<DuplexStream>,
    next_id: u64,
    // Ends the connection when dropped.
    _shutdown: Shutdown,
}

impl Client {
    pub(crate) async fn of(settings: &FilesSettings) -> Self {
        let service = wharf_files::server(settings).unwrap().build().unwrap();
        let shutdown = Shutdown::new(Duration::from_secs(1));
        let (stream, _task) = memory::connect(&service, Caller::local(), &shutdown);
        let mut client = Self { stream: BufReader::new(stream), next_id: 0, _shutdown: shutdown };
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        assert!(client.request("initialize", hello).await["result"].is_object());
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        client
    }

    async fn send(&mut self, message: &Value) {
        self.stream.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    /// The whole answer: `result` or `error`.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        loop {
            let mut line = String::new();
            assert!(self.stream.read_line(&mut line).await.unwrap() > 0, "the server is gone");
            let answer: Value = serde_json::from_str(&line).unwrap();
            if answer["id"] == id {
                return answer;
            }
        }
    }

    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.request("tools/call", json!({"name": tool, "arguments": arguments})).await["result"]
            .take()
    }

    pub(crate) async fn resource(&mut self, uri: &str) -> Value {
        self.request("resources/read", json!({"uri": uri})).await
    }
}
