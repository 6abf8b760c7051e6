//! Wharf, with all of its layers or some.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wharf::transport::Shutdown;
use wharf::transport::http::{Http, HttpSettings};
use wharf::{
    Args, AuditSink, CachePolicy, CallRecord, Metrics, Rate, RefusalRecord, Server, Tool, profiling,
};

use crate::Options;

const BODY_LIMIT_BYTES: usize = 16 << 20;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Echo {
    text: String,
}

/// Counts calls.
#[derive(Default)]
struct Count(AtomicU64);

impl AuditSink for Count {
    fn record(&self, _: &CallRecord<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn refused(&self, _: &RefusalRecord<'_>) {}
}

/// Serves the two tools of the benchmarks.
pub async fn wharf(options: &Options) -> anyhow::Result<SocketAddr> {
    if let Some(layers) = options.layers {
        profiling::keep_layers(layers);
    }
    let mut add = Tool::new("add").description("Add two integers");
    if options.kept {
        add = add.cache(CachePolicy::ttl(Duration::from_secs(3600)));
    }
    let add = add.handler(|Args(Add { a, b }): Args<Add>| async move { (a + b).to_string() });
    let echo = Tool::new("echo")
        .description("Echo text")
        .handler(|Args(Echo { text }): Args<Echo>| async move { text });
    let mut server = Server::new("bench", "0.1.0").tool(add).tool(echo);
    for n in 0..options.tools {
        server = server.tool(Tool::new(format!("idle_{n}")).handler(|| async {}));
    }
    if options.rate_limit {
        server = server.rate_limit_per_caller(Rate::per_second(100_000_000));
    }
    if options.sinks {
        server = server.metrics(Arc::new(Metrics::new())).audit(Arc::new(Count::default()));
    }
    let mut settings = HttpSettings::default();
    settings.body_limit_bytes = BODY_LIMIT_BYTES;
    let bound =
        Http::new(settings).service(server.build()?).bind(([127, 0, 0, 1], 0).into()).await?;
    let address = bound.local_addr();
    let shutdown = Shutdown::on_signals(Duration::from_secs(1))?;
    tokio::spawn(async move { bound.serve(&shutdown).await });
    Ok(address)
}
