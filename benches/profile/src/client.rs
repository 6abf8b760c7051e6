//! The client: blocking, and as simple as it can be, since its instructions are counted too.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, ensure};

use crate::Options;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"profile","version":"1.0.0"}}}"#;
const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"profile","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}"#;

/// Sends the calls and checks each answer's length and status.
///
/// # Errors
/// An answer is not what it should be.
pub fn run(address: SocketAddr, options: &Options) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut session = None;
    if options.legacy && options.server == "wharf" {
        let text = exchange(&mut stream, request(INITIALIZE, "").as_bytes())?;
        session =
            text.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).map(str::to_owned);
        session.as_ref().context("initialize opened no session")?;
    }
    let request = call(options, session.as_deref());
    // The second answer, which may come from a kept result and is then longer, is like all that follow.
    exchange(&mut stream, request.as_bytes())?;
    let first = exchange(&mut stream, request.as_bytes())?;
    ensure!(first.starts_with("HTTP/1.1 200"), "{first}");
    let expected = match options.size {
        Some(size) => "x".repeat(size),
        None => r#""text":"62345""#.to_owned(),
    };
    ensure!(first.contains(&expected), "{first}");
    let mut answer = vec![0; first.len()];
    for _ in 0..options.calls {
        stream.write_all(request.as_bytes())?;
        stream.read_exact(&mut answer)?;
        ensure!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
    Ok(())
}

/// The call as bytes of HTTP.
pub fn call(options: &Options, session: Option<&str>) -> String {
    let (name, arguments) = match options.size {
        Some(size) => ("echo", format!(r#"{{"text":"{}"}}"#, "x".repeat(size))),
        None => ("add", r#"{"a":10000,"b":52345}"#.to_owned()),
    };
    let (meta, comma) = if options.legacy { ("", "") } else { (META, ",") };
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":10000000,"method":"tools/call","params":{{"name":"{name}","arguments":{arguments}{comma}{meta}}}}}"#
    );
    let headers = match (options.legacy, session) {
        (false, _) => format!(
            "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {name}\r\n"
        ),
        (true, None) => "MCP-Protocol-Version: 2025-11-25\r\n".to_owned(),
        (true, Some(session)) => {
            format!("MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: {session}\r\n")
        }
    };
    request(&body, &headers)
}

fn request(body: &str, headers: &str) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// One request and its whole response.
fn exchange(stream: &mut TcpStream, request: &[u8]) -> anyhow::Result<String> {
    stream.write_all(request)?;
    let (mut response, mut part) = (Vec::new(), vec![0; 1 << 20]);
    loop {
        let count = stream.read(&mut part)?;
        ensure!(count > 0, "the server closed the connection");
        response.extend_from_slice(&part[..count]);
        let text = std::str::from_utf8(&response)?;
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.context("no length")?.parse::<usize>()? {
                return Ok(text.to_owned());
            }
        }
    }
}
