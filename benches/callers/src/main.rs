//! What a call costs with rate limits on when it comes from one of 1, 1,000, 100,000 or 1,000,000 callers, and what the
//! process holds then. The requests go through the whole HTTP service and the whole stack, without a socket in between.
//!
//! usage: `callers` prints one Markdown row for each number of callers

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Request};
use http_body_util::Full;
use wharf::{
    Authenticator, Caller, Challenge, Credentials, Grants, Rate, Server, Tool,
    transport::http::{Http, HttpService, HttpSettings},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CALLS: u64 = 1_000_000;
const BODY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ping","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;

/// Whoever the header names.
struct Named;

impl Authenticator for Named {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Caller>, Challenge>> {
        let name = credentials.headers.get("x-caller").and_then(|name| name.to_str().ok());
        let caller = Caller::authenticated(name.unwrap_or_default(), "bench");
        Box::pin(std::future::ready(Ok(Arc::new(caller.with_grants(Grants::all())))))
    }
}

fn service(rate: Rate) -> HttpService {
    let ping = Tool::new("ping").handler(|| async { "pong" });
    let server = Server::new("bench", "0.1.0").tool(ping).rate_limit_per_caller(rate);
    let service = server.build().expect("a server of one tool");
    Http::new(HttpSettings::default())
        .service(service)
        .authenticator(Arc::new(Named))
        .into_service()
}

async fn call(service: &HttpService, caller: u64) {
    let at: SocketAddr = ([127, 0, 0, 1], 8080).into();
    let name = HeaderValue::from_str(&caller.to_string()).expect("digits");
    let request = Request::post("/mcp")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "ping")
        .header("x-caller", name)
        .body(Full::new(Bytes::from_static(BODY.as_bytes())))
        .expect("a request");
    let response = service.serve(request, at, at).await;
    assert_eq!(response.status(), 200);
}

/// Nanoseconds that this process has been on a processor.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|first| first.parse().ok()).expect("a number")
}

fn rss_mib() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = text.lines().find(|line| line.starts_with("VmRSS")).expect("a line");
    let kib: f64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("KiB");
    kib / 1024.0
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        println!("| callers | rate | CPU µs/call | RSS MB |\n| ---: | --- | ---: | ---: |");
        // At the first rate a bucket is full again at once and takes no room; at the second each of them stays, more than
        // the store in memory has room for.
        let wide = Rate::per_second(1_000_000);
        let narrow = Rate::per_minute(1).burst(100);
        for (callers, rate) in
            [(1, wide), (1_000, wide), (100_000, wide), (1_000_000, wide), (1_000_000, narrow)]
        {
            let service = service(rate);
            for n in 0..CALLS / 10 {
                call(&service, n % callers).await;
            }
            let before = cpu_ns();
            for n in 0..CALLS {
                call(&service, n % callers).await;
            }
            let each = (cpu_ns() - before) as f64 / CALLS as f64 / 1000.0;
            println!("| {callers} | {rate} | {each:.2} | {:.1} |", rss_mib());
        }
    });
}
