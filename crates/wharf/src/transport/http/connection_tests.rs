//! What a connection does for a plain call: one write, head and body together, and no task beside its own.

use std::{
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll},
};

use tokio::io::{AsyncReadExt as _, DuplexStream, ReadBuf};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    Server, Tool,
    transport::http::{Http, HttpSettings},
};

/// A socket that counts its writes.
struct Counted {
    io: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.poll_write_vectored(cx, &[std::io::IoSlice::new(bytes)])
    }

    // As a socket does: all parts by one system call.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        let bytes = parts.iter().flat_map(|part| part.iter().copied()).collect::<Vec<_>>();
        Pin::new(&mut self.io).poll_write(cx, &bytes)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

async fn read_answer(client: &mut DuplexStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"}}") {
        assert_ne!(client.read_buf(&mut answer).await.unwrap(), 0, "{answer:?}");
    }
    String::from_utf8(answer).unwrap()
}

/// Calls the one tool of a server a few times, one call after the other, and counts the writes of its connection.
async fn writes_per_answer(tool: Tool) -> usize {
    const CALLS: usize = 5;
    let server = Server::new("counted", "1.0.0").tool(tool).build().unwrap();
    let service = Http::new(HttpSettings::default()).service(server).into_service();
    let (mut client, io) = tokio::io::duplex(4 << 20);
    let writes = Arc::new(AtomicUsize::new(0));
    let counted = Counted { io, writes: Arc::clone(&writes) };
    let at: SocketAddr = ([127, 0, 0, 1], 8080).into();
    let served = tokio::spawn(connection(service, counted, at, at, CancellationToken::new()));
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"say","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let request = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n\
         mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: say\r\ncontent-length: {}\r\n\r\n{body}",
        body.len(),
    );
    for _ in 0..CALLS {
        client.write_all(request.as_bytes()).await.unwrap();
        let answer = read_answer(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("isError"), "{answer}");
    }
    drop(client);
    served.await.unwrap();
    let writes = writes.load(Ordering::SeqCst);
    assert_eq!(writes % CALLS, 0, "{writes} writes of {CALLS} answers");
    writes / CALLS
}

#[tokio::test]
async fn a_plain_answer_is_one_write() {
    for length in [1, 100, 10_000, 300_000] {
        let tool = Tool::new("say").handler(move || async move { "x".repeat(length) });
        assert_eq!(writes_per_answer(tool).await, 1, "an answer of {length} bytes");
    }
}

#[tokio::test]
async fn a_plain_call_runs_in_the_task_of_its_connection() {
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let tool = Tool::new("say").handler(move || {
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        seen.fetch_max(tasks, Ordering::SeqCst);
        async {}
    });
    writes_per_answer(tool).await;
    assert_eq!(most.load(Ordering::SeqCst), 1, "tasks while a call runs");
}
