//! What a second core adds: calls per second of one server from one thread and from two, each pinned to a core of its own.
//!
//! The calls go through the HTTP service and the whole stack in this process, without sockets and so without a load
//! generator that would need a core itself. Both threads call the same server: what they share (the registry, the permits,
//! the counters of references) is what can hold the second one back. The bare handler, which shares nothing but the
//! allocator, shows what the machine itself gives.
//!
//! usage: `cores [SECONDS [ROUNDS]]` prints a Markdown table

#[path = "../../bare-axum/src/answer.rs"]
mod answer;

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};
use wharf::transport::http::{Http, HttpService, HttpSettings};
use wharf::{Args, Metrics, Server, Tool};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BODY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":10000,"b":52345},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
/// Calls between two looks at the clock.
const BATCH: u64 = 200;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

/// Who answers.
#[derive(Clone)]
enum Served {
    Bare,
    Wharf(HttpService),
}

fn wharf(metrics: Option<Arc<Metrics>>) -> anyhow::Result<Served> {
    let add = Tool::new("add")
        .description("Add two integers")
        .handler(|Args(Add { a, b }): Args<Add>| async move { (a + b).to_string() });
    let mut server = Server::new("bench", "0.1.0").tool(add);
    if let Some(metrics) = metrics {
        server = server.metrics(metrics);
    }
    let service = server.build()?;
    Ok(Served::Wharf(Http::new(HttpSettings::default()).service(service).into_service()))
}

impl Served {
    async fn call(&self) -> anyhow::Result<()> {
        match self {
            Self::Bare => {
                let answered = answer::answer(black_box(BODY.as_bytes()));
                let answer::Answer::Message(bytes) = answered else { bail!("no answer") };
                black_box(bytes);
            }
            Self::Wharf(service) => {
                let at: SocketAddr = ([127, 0, 0, 1], 8080).into();
                let request = Request::post("/mcp")
                    .header("host", "localhost")
                    .header("content-type", "application/json")
                    .header("accept", "application/json, text/event-stream")
                    .header("mcp-protocol-version", "2026-07-28")
                    .header("mcp-method", "tools/call")
                    .header("mcp-name", "add")
                    .body(Full::new(Bytes::from_static(BODY.as_bytes())))?;
                let response = service.serve(request, at, at).await;
                anyhow::ensure!(response.status() == 200, "status {}", response.status());
            }
        }
        Ok(())
    }
}

/// What the threads did together.
#[derive(Clone, Copy)]
struct Rate {
    /// Calls in each second of the clock.
    wall: f64,
    /// Calls in each second that a thread was on its core, added up over the threads: what the clock would have shown
    /// with nothing else on the machine.
    on_core: f64,
}

/// Calls from `threads` threads, the first of them on core 0.
fn measure(served: &Served, threads: usize, length: Duration) -> anyhow::Result<Rate> {
    let stop = Arc::new(AtomicBool::new(false));
    let start = Arc::new(Barrier::new(threads + 1));
    let workers: Vec<_> = (0..threads)
        .map(|core| {
            let (served, stop, start) = (served.clone(), Arc::clone(&stop), Arc::clone(&start));
            std::thread::spawn(move || work(core, &served, &stop, &start))
        })
        .collect();
    start.wait();
    std::thread::sleep(length);
    stop.store(true, Ordering::Relaxed);
    let mut rate = Rate { wall: 0.0, on_core: 0.0 };
    for worker in workers {
        let (calls, wall, on_core) =
            worker.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        rate.wall += calls / wall.as_secs_f64();
        rate.on_core += calls / on_core.as_secs_f64();
    }
    Ok(rate)
}

fn work(
    core: usize,
    served: &Served,
    stop: &AtomicBool,
    start: &Barrier,
) -> anyhow::Result<(f64, Duration, Duration)> {
    let mut cores = CpuSet::new();
    cores.set(core);
    let pinned = sched_setaffinity(None, &cores);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    // Reached by every thread, also by one that can't go on.
    start.wait();
    pinned.context("this needs a core for each thread")?;
    runtime?.block_on(async {
        let (begun, on_core) = (Instant::now(), on_core_time());
        let mut calls = 0;
        while !stop.load(Ordering::Relaxed) {
            for _ in 0..BATCH {
                served.call().await?;
            }
            calls += BATCH;
        }
        Ok((calls as f64, begun.elapsed(), on_core_time() - on_core))
    })
}

/// How long this thread has been on a core.
fn on_core_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(1.0), |text| text.parse())?;
    let rounds = arguments.next().map_or(Ok(9), |text| text.parse())?;
    let length = Duration::from_secs_f64(seconds);
    println!(
        "| server | one core, calls/s | two cores, calls/s | ratio | ratio by time on the cores |"
    );
    println!("| --- | ---: | ---: | ---: | ---: |");
    for (name, served) in [
        ("the bare handler", Served::Bare),
        ("wharf", wharf(None)?),
        ("wharf, counting calls for `/metrics`", wharf(Some(Arc::default()))?),
    ] {
        let (mut ones, mut twos) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ones.push(measure(&served, 1, length)?);
            twos.push(measure(&served, 2, length)?);
        }
        let of = |rates: &[Rate], of: fn(&Rate) -> f64| median(rates.iter().map(of).collect());
        let [wall_one, wall_two] = [&ones, &twos].map(|rates| of(rates, |rate| rate.wall));
        let [core_one, core_two] = [&ones, &twos].map(|rates| of(rates, |rate| rate.on_core));
        println!(
            "| {name} | {wall_one:.0} | {wall_two:.0} | {:.2}× | {:.2}× |",
            wall_two / wall_one,
            core_two / core_one
        );
    }
    Ok(())
}
