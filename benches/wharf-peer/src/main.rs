//! Wharf with the two benchmark tools, as an author writes them: nothing is switched off or tuned. Validation against the
//! schema, deadline, panic guard, concurrency bound and tracing surround each call.
//!
//! `--production` adds what a service has: an API key that is checked on each request, the rate limit of the caller, and the
//! look for an idempotency key. `--cached` also looks for a kept result, never finds one, and keeps the new one.
//!
//! usage: `wharf-peer --listen 127.0.0.1:0 [--production [--cached]]` or `wharf-peer --stdio`

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use secrecy::SecretString;
use wharf::{
    Args, CachePolicy, Caller, Rate, Server, Service, Tool,
    transport::{
        Shutdown,
        http::{Http, HttpSettings},
        stdio,
    },
};
use wharf_auth::resource::api_key::{
    ApiKeyAuthenticator, EnvironmentKey, FailureLimit, KeySources,
};

// The allocator of every measured server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// No secret: the load generator sends it from servers.toml.
const KEY: &str = "benchmark-key-0123456789";
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

#[derive(Clone, Copy, Default)]
struct Extras {
    production: bool,
    cached: bool,
}

fn service(extras: Extras) -> anyhow::Result<Service> {
    let mut add = Tool::new("add").description("Add two integers");
    if extras.cached {
        add = add.cache(CachePolicy::ttl(Duration::from_secs(60)));
    }
    let add = add.handler(|Args(Add { a, b }): Args<Add>| async move { (a + b).to_string() });
    let echo = Tool::new("echo")
        .description("Echo text")
        .handler(|Args(Echo { text }): Args<Echo>| async move { text });
    let mut server = Server::new("bench", "0.1.0").tool(add).tool(echo);
    if extras.production {
        // Counted, and never met.
        server = server.rate_limit_per_caller(Rate::per_second(100_000_000));
    }
    Ok(server.build()?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let shutdown = Shutdown::on_signals(Duration::from_secs(5))?;
    match arguments.as_slice() {
        ["--listen", address, options @ ..] => {
            let extras = Extras {
                production: options.contains(&"--production"),
                cached: options.contains(&"--cached"),
            };
            let mut settings = HttpSettings::default();
            settings.body_limit_bytes = BODY_LIMIT_BYTES;
            let address = address.parse().context("an address such as 127.0.0.1:0")?;
            let mut http = Http::new(settings).service(service(extras)?);
            if extras.production {
                let key = EnvironmentKey::single(SecretString::from(KEY))?;
                let sources = KeySources { environment: vec![key], ..KeySources::default() };
                let keys = ApiKeyAuthenticator::new(sources, FailureLimit::default())?;
                http = http.authenticator(Arc::new(keys));
            }
            let bound = http.bind(address).await?;
            for url in bound.urls() {
                eprintln!("listening on {url}");
            }
            bound.serve(&shutdown).await;
            Ok(())
        }
        ["--stdio"] => {
            Ok(stdio::serve(&service(Extras::default())?, Caller::local(), &shutdown).await?)
        }
        _ => bail!("usage: wharf-peer --listen ADDRESS | --stdio"),
    }
}
