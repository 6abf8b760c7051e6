//! One message per line: memory and stdio.

use std::{ffi::OsString, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, split},
    process::Child,
    task::JoinHandle,
};
use wharf::{
    Caller, Service,
    transport::{Shutdown, memory},
};

use crate::process::{Complaints, command};

/// Longest line that is read.
const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;

pub(super) struct LineLink {
    reader: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    writer: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    served: Option<JoinHandle<std::io::Result<()>>>,
    /// Killed when it is dropped.
    process: Option<(Child, Complaints)>,
}

impl Drop for LineLink {
    fn drop(&mut self) {
        if let Some(served) = &self.served {
            served.abort();
        }
    }
}

impl std::fmt::Debug for LineLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LineLink").finish_non_exhaustive()
    }
}

impl LineLink {
    pub(super) fn memory(service: &Service) -> Self {
        let shutdown = Shutdown::new(Duration::from_secs(5));
        let (stream, task) = memory::connect(service, Caller::local(), &shutdown);
        let (reader, writer) = split(stream);
        Self {
            reader: BufReader::new(Box::new(reader)),
            writer: Some(Box::new(writer)),
            served: Some(task),
            process: None,
        }
    }

    #[track_caller]
    pub(super) fn command(words: &[OsString]) -> Self {
        let spawned = command(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => panic!("can't start {}: {error}", words[0].display()),
        };
        let complaints = Complaints::of(child.stderr.take());
        let (Some(reader), Some(writer)) = (child.stdout.take(), child.stdin.take()) else {
            panic!("{} has no stdin or stdout", words[0].display())
        };
        Self {
            reader: BufReader::new(Box::new(reader)),
            writer: Some(Box::new(writer)),
            served: None,
            process: Some((child, complaints)),
        }
    }

    pub(super) async fn send(&mut self, message: &str) -> Result<(), String> {
        let Some(writer) = &mut self.writer else { return Err("the input has ended".to_owned()) };
        let line = format!("{message}\n");
        let written = async {
            writer.write_all(line.as_bytes()).await?;
            writer.flush().await
        };
        match written.await {
            Ok(()) => Ok(()),
            Err(error) => Err(format!("{error}{}", self.complaints().await)),
        }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Value>, String> {
        let mut line = Vec::new();
        let read = (&mut self.reader).take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await;
        match read {
            Ok(0) => return Ok(None),
            Ok(_) if line.ends_with(b"\n") => {}
            Ok(_) => return Err(format!("half a line: {:?}", shown(&line))),
            Err(error) => return Err(format!("{error}{}", self.complaints().await)),
        }
        match serde_json::from_slice(&line) {
            Ok(message) => Ok(Some(message)),
            Err(error) => Err(format!("{error}: {:?}{}", shown(&line), self.complaints().await)),
        }
    }

    pub(super) async fn finish(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            // A server that has gone already needs no end.
            drop(writer.shutdown().await);
        }
    }

    async fn complaints(&self) -> String {
        match &self.process {
            Some((_, complaints)) => complaints.told().await,
            None => String::new(),
        }
    }
}

/// The beginning of what is no message.
fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned()
}
