//! What a call of `execute_query` adds to PostgreSQL's raw driver in the same process, and how it keeps its bounds: figures as
//! one JSON object. Calls go through the HTTP service and the whole stack, without a socket in between.
//!
//! usage: `database-cost URL` with the database that `benches/database.py` has filled

use std::{
    error::Error,
    net::SocketAddr,
    process::Stdio,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tokio::process::Command;
use wharf::{
    ToolOverrides,
    transport::http::{Http, HttpService, HttpSettings},
};
use wharf_database::{
    Databases,
    postgres::{Postgres, PostgresSettings, SecretUrl},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn Error + Send + Sync>;

const ONE_ROW: &str = "SELECT 1 AS one";
const THOUSAND_ROWS: &str = "SELECT * FROM bench ORDER BY id";
const HUNDRED_THOUSAND_ROWS: &str = "SELECT b.* FROM bench AS b CROSS JOIN generate_series(1, 100)";
const HUGE: &str =
    "SELECT generate_series(1, 50000000) AS n, 'payload payload payload payload' AS payload";
const ENDLESS: &str =
    "SELECT count(*) FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b";
const EXPORT_ROWS: usize = 100_000;
const DEADLINE: Duration = Duration::from_secs(1);
const WARM_UP: usize = 50;
/// Calls by the driver, then as many by the tool, and so on: what else the machine does meets both alike.
const ROUNDS: usize = 20;
const CALLS_PER_ROUND: usize = 50;
const EXPORTS: usize = 5;
const CANCELLATIONS: usize = 5;

/// The server under measurement. An answer of 100,000 rows needs larger budgets than a model would be given.
fn service(url: &str) -> Result<HttpService, Failure> {
    let mut settings = PostgresSettings::from_url(&SecretUrl(url))?;
    settings.limits.max_rows = EXPORT_ROWS;
    settings.limits.max_result_bytes = 64 << 20;
    let databases = Databases::one("bench", Postgres::open(settings)?)?;
    let mut large = ToolOverrides::default();
    large.response_bytes = Some(256 << 20);
    let service =
        wharf_database::server(databases).override_tool("execute_query", large).build()?;
    Ok(Http::new(HttpSettings::default()).service(service).into_service())
}

/// One call to its last byte. Reading the answer is the client's work and is not counted.
async fn answer(service: &HttpService, arguments: &Value) -> Result<Bytes, Failure> {
    let at: SocketAddr = ([127, 0, 0, 1], 8080).into();
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}});
    let params = json!({"name": "execute_query", "arguments": arguments, "_meta": meta});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let request = Request::post("/mcp")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "execute_query")
        .body(Full::new(Bytes::from(body.to_string())))?;
    let response = service.serve(request, at, at).await;
    Ok(response.into_body().collect().await?.to_bytes())
}

fn result_of(answer: &[u8]) -> Result<Value, Failure> {
    Ok(serde_json::from_slice::<Value>(answer)?["result"].take())
}

async fn call(service: &HttpService, arguments: &Value) -> Result<Value, Failure> {
    result_of(&answer(service, arguments).await?)
}

/// Milliseconds of one call, whose answer must have so many rows.
async fn tool_ms(service: &HttpService, sql: &str, rows: usize) -> Result<f64, Failure> {
    let arguments = json!({"query": sql, "limit": rows});
    let started = Instant::now();
    let answer = answer(service, &arguments).await?;
    let took = started.elapsed();
    // Looked for as it is written, because reading all of it would be most of this program's work.
    let counted = format!("\"row_count\":{rows},");
    let text = std::str::from_utf8(&answer)?;
    if !text.contains(&counted) || text.contains("\"isError\":true") {
        return Err(format!("{rows} rows were asked for: {text:.300}").into());
    }
    Ok(took.as_secs_f64() * 1e3)
}

/// Milliseconds of the same query by the driver alone.
async fn raw_ms(driver: &tokio_postgres::Client, sql: &str, rows: usize) -> Result<f64, Failure> {
    let started = Instant::now();
    let got = driver.query(sql, &[]).await?;
    let took = started.elapsed();
    if got.len() != rows {
        return Err(format!("{} rows instead of {rows}", got.len()).into());
    }
    Ok(took.as_secs_f64() * 1e3)
}

/// Processor time of this process until now, in milliseconds.
fn processor_ms() -> Result<f64, Failure> {
    let mut spent_ns = 0.0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let schedule = std::fs::read_to_string(task?.path().join("schedstat"))?;
        spent_ns += schedule.split_whitespace().next().ok_or("no schedstat")?.parse::<f64>()?;
    }
    Ok(spent_ns / 1e6)
}

/// What calls take by the driver alone and by the tool: medians by the clock, and the mean of this process's processor time.
async fn compared(
    service: &HttpService,
    driver: &tokio_postgres::Client,
    sql: &str,
    rows: usize,
) -> Result<Value, Failure> {
    for _ in 0..WARM_UP {
        raw_ms(driver, sql, rows).await?;
        tool_ms(service, sql, rows).await?;
    }
    let (mut raw, mut tool) = (Vec::new(), Vec::new());
    let (mut raw_cpu, mut tool_cpu) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        // The sessions of the last round have been cleaned by then.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let start = processor_ms()?;
        for _ in 0..CALLS_PER_ROUND {
            raw.push(raw_ms(driver, sql, rows).await?);
        }
        let middle = processor_ms()?;
        for _ in 0..CALLS_PER_ROUND {
            tool.push(tool_ms(service, sql, rows).await?);
        }
        raw_cpu += middle - start;
        tool_cpu += processor_ms()? - middle;
    }
    let calls = (ROUNDS * CALLS_PER_ROUND) as f64;
    Ok(json!({"raw_ms": median(raw), "tool_ms": median(tool),
        "raw_processor_ms": raw_cpu / calls, "tool_processor_ms": tool_cpu / calls}))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Seconds for the rows as CSV: by the tool, and by `psql` with COPY.
async fn export_seconds(service: &HttpService, url: &str) -> Result<(f64, f64), Failure> {
    let arguments = json!({"query": HUNDRED_THOUSAND_ROWS, "limit": EXPORT_ROWS, "format": "csv", "timeout_seconds": 60});
    let copy = format!("COPY ({HUNDRED_THOUSAND_ROWS}) TO STDOUT (FORMAT csv)");
    let (mut tool, mut psql) = (Vec::new(), Vec::new());
    for _ in 0..EXPORTS {
        let started = Instant::now();
        let bytes = answer(service, &arguments).await?;
        tool.push(started.elapsed().as_secs_f64());
        let result = result_of(&bytes)?;
        let lines = result["content"][0]["text"].as_str().map_or(0, |text| text.lines().count());
        if lines != EXPORT_ROWS + 1 {
            return Err(format!("{lines} lines of CSV: {:.300}", result.to_string()).into());
        }
        let started = Instant::now();
        let done = Command::new("psql")
            .args(["-XqAt", url, "-c", &copy])
            .stderr(Stdio::inherit())
            .output()
            .await?;
        psql.push(started.elapsed().as_secs_f64());
        if done.stdout.iter().filter(|byte| **byte == b'\n').count() != EXPORT_ROWS {
            return Err("psql wrote another number of lines".into());
        }
    }
    Ok((median(tool), median(psql)))
}

fn resident_mib() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 =
        line.and_then(|line| line.split_whitespace().next()).ok_or("no VmRSS")?.parse()?;
    Ok(kib / 1024.0)
}

/// How far memory grows at its peak while a query of fifty million rows is answered with its first hundred.
async fn huge_growth_mib(service: &HttpService) -> Result<f64, Failure> {
    let before = resident_mib()?;
    let arguments = json!({"query": HUGE, "timeout_seconds": 120});
    let asked = call(service, &arguments);
    tokio::pin!(asked);
    let mut peak = before;
    let mut clock = tokio::time::interval(Duration::from_millis(2));
    let result = loop {
        tokio::select! {
            result = &mut asked => break result?,
            _ = clock.tick() => peak = peak.max(resident_mib()?),
        }
    };
    if result["structuredContent"]["truncated"] != true {
        return Err(format!("fifty million rows: {:.300}", result.to_string()).into());
    }
    Ok(peak.max(resident_mib()?) - before)
}

/// Milliseconds after the deadline until the caller has its error, and until the server has stopped working.
async fn cancel_ms(
    service: &HttpService,
    driver: &tokio_postgres::Client,
) -> Result<(f64, f64), Failure> {
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    let (mut told, mut stopped) = (Vec::new(), Vec::new());
    for _ in 0..CANCELLATIONS {
        let started = Instant::now();
        let result =
            call(service, &json!({"query": ENDLESS, "timeout_seconds": DEADLINE.as_secs()}))
                .await?;
        told.push((started.elapsed() - DEADLINE).as_secs_f64() * 1e3);
        if result["structuredContent"]["code"] != "TIMEOUT" {
            return Err(format!("a deadline of a second: {:.300}", result.to_string()).into());
        }
        while driver.query_one(busy, &[]).await?.get::<_, i64>(0) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stopped.push((started.elapsed() - DEADLINE).as_secs_f64() * 1e3);
    }
    Ok((median(told), median(stopped)))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let url = std::env::args().nth(1).ok_or("usage: database-cost URL")?;
    // In a task, as servers answer: the main thread does not look after sockets.
    println!("{}", tokio::spawn(measure(url)).await??);
    Ok(())
}

async fn measure(url: String) -> Result<Value, Failure> {
    let (driver, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let service = service(&format!("{url}?sslmode=disable"))?;
    tool_ms(&service, ONE_ROW, 1).await?;
    let growth = huge_growth_mib(&service).await?;
    let mut figures = serde_json::Map::new();
    for (name, sql, rows) in [("one_row", ONE_ROW, 1), ("thousand_rows", THOUSAND_ROWS, 1000)] {
        figures.insert(name.into(), compared(&service, &driver, sql, rows).await?);
    }
    let (tool, psql) = export_seconds(&service, &url).await?;
    figures.insert("export".into(), json!({"tool_s": tool, "psql_s": psql}));
    figures.insert("huge_growth_mib".into(), json!(growth));
    let (told, stopped) = cancel_ms(&service, &driver).await?;
    figures.insert("cancel".into(), json!({"told_ms": told, "stopped_ms": stopped}));
    Ok(Value::Object(figures))
}
