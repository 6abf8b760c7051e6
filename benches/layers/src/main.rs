//! What the production layers add to a call, beside the core layers alone: the API key, the rate limit, and the look for a
//! kept result that is found, or not found and then kept. The requests go through the whole HTTP service and the whole
//! stack, without a socket in between.
//!
//! usage: `layers` prints one Markdown row for each step and era; `layers STEP ERA CALLS` only makes the calls, for a
//! profiler: `valgrind --tool=callgrind --toggle-collect='layers::measured*' layers miss legacy 20000`

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use secrecy::SecretString;
use wharf::{
    Args, CachePolicy, Rate, Server, Tool,
    transport::http::{Http, HttpService, HttpSettings, ResponseBody},
};
use wharf_auth::resource::api_key::{
    ApiKeyAuthenticator, EnvironmentKey, FailureLimit, KeySources,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CALLS: u64 = 200_000;
const ROUNDS: usize = 5;
/// No secret: nobody else is there.
const KEY: &str = "benchmark-key-0123456789";

/// Each has what those before it have, but for the last two, which differ in what they find.
const STEPS: [&str; 5] = ["core", "key", "rate", "hit", "miss"];
const ERAS: [&str; 2] = ["modern", "legacy"];

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

fn service(step: usize) -> HttpService {
    let mut add = Tool::new("add").description("Add two integers");
    if step >= 3 {
        add = add.cache(CachePolicy::ttl(Duration::from_secs(60)));
    }
    let add = add.handler(|Args(Add { a, b }): Args<Add>| async move { (a + b).to_string() });
    let mut server = Server::new("bench", "0.1.0").tool(add);
    if step >= 2 {
        server = server.rate_limit_per_caller(Rate::per_second(100_000_000));
    }
    let mut http =
        Http::new(HttpSettings::default()).service(server.build().expect("a server of one tool"));
    if step >= 1 {
        let key = EnvironmentKey::single(SecretString::from(KEY)).expect("a key");
        let sources = KeySources { environment: vec![key], ..KeySources::default() };
        let keys = ApiKeyAuthenticator::new(sources, FailureLimit::default());
        http = http.authenticator(Arc::new(keys.expect("nothing is read")));
    }
    http.into_service()
}

struct Client {
    service: HttpService,
    step: usize,
    modern: bool,
    session: String,
}

impl Client {
    async fn new(step: usize, modern: bool) -> Self {
        let mut this = Self { service: service(step), step, modern, session: String::new() };
        if !modern {
            let body = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"layers","version":"1"}}}"#;
            let begun = this.send(body.to_owned()).await;
            let id = begun.headers().get("mcp-session-id").and_then(|id| id.to_str().ok());
            this.session = id.expect("a session").to_owned();
        }
        this
    }

    async fn send(&self, body: String) -> Response<ResponseBody> {
        let at: SocketAddr = ([127, 0, 0, 1], 8080).into();
        let mut request = Request::post("/mcp")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        if self.step >= 1 {
            request = request.header("authorization", format!("Bearer {KEY}"));
        }
        if self.modern {
            request = request
                .header("mcp-protocol-version", "2026-07-28")
                .header("mcp-method", "tools/call")
                .header("mcp-name", "add");
        } else if !self.session.is_empty() {
            request = request.header("mcp-session-id", &self.session);
        }
        let request = request.body(Full::new(Bytes::from(body))).expect("a request");
        let response = self.service.serve(request, at, at).await;
        assert_eq!(response.status(), 200);
        response
    }

    async fn call(&self, number: u64) {
        let a = if STEPS[self.step] == "hit" { 1 } else { number };
        let meta = match self.modern {
            true => {
                r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#
            }
            false => "",
        };
        drop(self.send(format!(
            r#"{{"jsonrpc":"2.0","id":{number},"method":"tools/call","params":{{"name":"add","arguments":{{"a":{a},"b":2}}{meta}}}}}"#
        ))
        .await);
    }
}

/// By itself, so that a profiler can be told to look at nothing else.
#[inline(never)]
fn measured(runtime: &tokio::runtime::Runtime, client: &Client, calls: std::ops::Range<u64>) {
    runtime.block_on(async {
        for number in calls {
            client.call(number).await;
        }
    });
}

/// Nanoseconds that this process has been on a processor.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|first| first.parse().ok()).expect("a number")
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let client = |step, era: &str| runtime.block_on(Client::new(step, era == "modern"));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [step, era, calls] = arguments.as_slice() {
        let step = STEPS.iter().position(|known| known == step).expect("a step");
        let calls: u64 = calls.parse().expect("a number");
        let client = client(step, era);
        runtime.block_on(async {
            for number in 0..2_000 {
                client.call(number).await;
            }
        });
        return measured(&runtime, &client, 2_000..2_000 + calls);
    }
    println!("| era | step | CPU µs/call | over the core layers |\n| --- | --- | ---: | ---: |");
    for era in ERAS {
        let clients: Vec<Client> = (0..STEPS.len()).map(|step| client(step, era)).collect();
        let mut times = vec![Vec::new(); STEPS.len()];
        for round in 0..=ROUNDS as u64 {
            // Interleaved, so that whatever else the machine does meets all of them; the first round only warms up.
            for (client, times) in clients.iter().zip(&mut times) {
                let before = cpu_ns();
                measured(&runtime, client, round * CALLS..(round + 1) * CALLS);
                if round > 0 {
                    times.push((cpu_ns() - before) as f64 / CALLS as f64 / 1000.0);
                }
            }
        }
        let times: Vec<f64> = times.into_iter().map(median).collect();
        for (step, time) in STEPS.iter().zip(&times) {
            println!("| {era} | {step} | {time:.2} | {:+.2} |", time - times[0]);
        }
    }
}
