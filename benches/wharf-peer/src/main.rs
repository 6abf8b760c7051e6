//! Wharf with the two benchmark tools, as an author writes them: nothing is switched off or tuned. Validation against the
//! schema, deadline, panic guard, concurrency bound and tracing surround each call.
//!
//! usage: `wharf-peer --listen 127.0.0.1:0` or `wharf-peer --stdio`

use std::time::Duration;

use anyhow::{Context, bail};
use wharf::{
    Args, Caller, Server, Service, Tool,
    transport::{
        Shutdown,
        http::{Http, HttpSettings},
        stdio,
    },
};

// The allocator of every measured server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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

fn service() -> anyhow::Result<Service> {
    let add = Tool::new("add")
        .description("Add two integers")
        .handler(|Args(Add { a, b }): Args<Add>| async move { (a + b).to_string() });
    let echo = Tool::new("echo")
        .description("Echo text")
        .handler(|Args(Echo { text }): Args<Echo>| async move { text });
    Ok(Server::new("bench", "0.1.0").tool(add).tool(echo).build()?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let shutdown = Shutdown::on_signals(Duration::from_secs(5))?;
    match arguments.as_slice() {
        ["--listen", address] => {
            let mut settings = HttpSettings::default();
            settings.body_limit_bytes = BODY_LIMIT_BYTES;
            let address = address.parse().context("an address such as 127.0.0.1:0")?;
            let bound = Http::new(settings).service(service()?).bind(address).await?;
            for url in bound.urls() {
                eprintln!("listening on {url}");
            }
            bound.serve(&shutdown).await;
            Ok(())
        }
        ["--stdio"] => Ok(stdio::serve(&service()?, Caller::local(), &shutdown).await?),
        _ => bail!("usage: wharf-peer --listen ADDRESS | --stdio"),
    }
}
