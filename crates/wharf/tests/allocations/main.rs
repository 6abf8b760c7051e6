//! How often one request asks the allocator for memory: tracked numbers, which docs/benchmarks.md repeats.
//!
//! The counting allocator counts the whole process, so this binary holds one test. A number that grows fails it. So does one
//! that falls: then write the new one here and into the page, and nobody can lose it again unseen.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{alloc::System, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use wharf::{
    Args, Caller, Metrics, Server, Service, Tool,
    transport::{
        Shutdown,
        http::{Http, HttpService, HttpSettings, ResponseBody},
        memory,
    },
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Enough that buffers, which grow now and then, count for less than one.
const CALLS: usize = 1000;
const WARM_UP: usize = 200;

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}"#;
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1.0.0"}}}"#;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

/// Tools that nobody calls, which must not make the others dearer.
const IDLE_TOOLS: usize = 1000;

fn server(idle_tools: usize) -> Server {
    let add = Tool::new("add")
        .description("Add two integers")
        .handler(|Args(Add { a, b }): Args<Add>| async move { (a + b).to_string() });
    let idle = |n| Tool::new(format!("idle_{n}")).handler(|| async {});
    let server = Server::new("counted", "1.0.0").tool(add);
    (0..idle_tools).fold(server, |server, n| server.tool(idle(n)))
}

fn service(idle_tools: usize) -> Service {
    server(idle_tools).build().unwrap()
}

fn message(method: &str, modern: bool) -> String {
    let call = r#""name":"add","arguments":{"a":10000,"b":52345}"#;
    let parts = [(method == "tools/call").then_some(call), modern.then_some(META)];
    let params: Vec<_> = parts.into_iter().flatten().collect();
    format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{{}}}}}"#, params.join(","))
}

/// How often memory was asked for per call, from the first of many on.
struct Counted(Region<'static, System>);

impl Counted {
    fn begin() -> Self {
        Self(Region::new(ALLOCATOR))
    }

    fn per_call(&self) -> usize {
        let stats = self.0.change();
        (stats.allocations + stats.reallocations) / CALLS
    }
}

fn request(body: &str, method: &str, session: Option<&HeaderValue>) -> Request<Full<Bytes>> {
    let mut request = Request::post("/mcp")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    let modern = body.contains(META);
    let revision = if modern { "2026-07-28" } else { "2025-11-25" };
    request = request.header("mcp-protocol-version", revision);
    if modern {
        request = request.header("mcp-method", method);
    }
    if modern && method == "tools/call" {
        request = request.header("mcp-name", "add");
    }
    if let Some(session) = session {
        request = request.header("mcp-session-id", session);
    }
    request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}

async fn answer(service: &HttpService, request: Request<Full<Bytes>>) -> Response<ResponseBody> {
    let at: SocketAddr = ([127, 0, 0, 1], 8080).into();
    let response = service.serve(request, at, at).await;
    assert_eq!(response.status(), 200);
    response
}

/// From the request in hyper's form to the last byte of the response.
async fn over_http(service: Service, method: &str, modern: bool) -> usize {
    let service = Http::new(HttpSettings::default()).service(service).into_service();
    let session = answer(&service, request(INITIALIZE, "initialize", None)).await;
    let session = session.headers().get("mcp-session-id").filter(|_| !modern).cloned();
    let body = message(method, modern);
    let make = || request(&body, method, session.as_ref());
    for _ in 0..WARM_UP {
        answer(&service, make()).await;
    }
    // What a client of this test allocates for its requests is not the server's.
    let mut requests: Vec<_> = (0..CALLS).map(|_| make()).collect();
    let counted = Counted::begin();
    while let Some(request) = requests.pop() {
        let mut response = answer(&service, request).await;
        assert!(response.body_mut().frame().await.is_some());
    }
    counted.per_call()
}

async fn exchange(stream: &mut DuplexStream, line: &[u8], buffer: &mut [u8]) {
    stream.write_all(line).await.unwrap();
    let mut read = 0;
    while !buffer[..read].contains(&b'\n') {
        read += stream.read(&mut buffer[read..]).await.unwrap();
    }
    assert!(buffer[..read].starts_with(b"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":"));
}

/// From a line to the line that answers it, with both ends of the pipe.
async fn over_lines(service: Service, method: &str, modern: bool) -> usize {
    let shutdown = Shutdown::new(std::time::Duration::ZERO);
    let (mut stream, _task) = memory::connect(&service, Caller::local(), &shutdown);
    let mut buffer = vec![0; 64 << 10];
    if !modern {
        stream.write_all(format!("{INITIALIZE}\n").as_bytes()).await.unwrap();
        assert!(stream.read(&mut buffer).await.unwrap() > 0);
    }
    let line = message(method, modern) + "\n";
    for _ in 0..WARM_UP {
        exchange(&mut stream, line.as_bytes(), &mut buffer).await;
    }
    let counted = Counted::begin();
    for _ in 0..CALLS {
        exchange(&mut stream, line.as_bytes(), &mut buffer).await;
    }
    counted.per_call()
}

#[test]
fn a_request_asks_for_memory_exactly_as_often_as_written_here() {
    wharf::cross_check::switch_off();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let expected = [
        ("tools/call", true, 19, 14),
        ("tools/call", false, 19, 14),
        ("tools/list", true, 9, 4),
        ("tools/list", false, 8, 4),
        ("ping", false, 8, 4),
    ];
    let count = |idle_tools, method, modern| {
        runtime.block_on(async {
            let http = over_http(service(idle_tools), method, modern).await;
            (method, modern, http, over_lines(service(idle_tools), method, modern).await)
        })
    };
    let found = expected.map(|(method, modern, ..)| count(0, method, modern));
    assert_eq!(found, expected, "method, 2026-07-28 or not, over HTTP, over lines");
    // One list of them all would be longer; a call is not.
    let calls = [true, false].map(|modern| count(IDLE_TOOLS, "tools/call", modern));
    assert_eq!(calls, [expected[0], expected[1]], "the same beside {IDLE_TOOLS} other tools");
    let counting = || server(0).metrics(Arc::new(Metrics::new())).build().unwrap();
    for (method, modern, http, _) in expected {
        let counted = runtime.block_on(over_http(counting(), method, modern));
        assert_eq!(counted, http, "{method} while calls are counted");
    }
}
