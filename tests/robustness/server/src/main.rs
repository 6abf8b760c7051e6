//! The server under attack whose own tools misbehave, which those of the product do not: one panics, one never returns, one
//! blocks its thread. Whoever sends `Authorization: Bearer NAME` is NAME, so that one caller can try another's session.
//!
//! usage: `misbehaving --listen 127.0.0.1:0` or `misbehaving --stdio`

use std::{sync::Arc, time::Duration};

use anyhow::bail;
use futures_util::future::BoxFuture;
use wharf::{
    Args, Authenticator, Caller, Challenge, Credentials, Grants, Server, Service, Tool, ToolError,
    transport::{
        Shutdown,
        http::{Http, HttpSettings},
        stdio,
    },
};

/// For calls that still run when the signal comes.
const GRACE: Duration = Duration::from_secs(2);

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Block {
    #[schemars(range(max = 10_000))]
    milliseconds: u64,
}

/// Whoever the bearer token names.
struct Named;

impl Authenticator for Named {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Caller>, Challenge>> {
        let header = credentials.headers.get("authorization").and_then(|name| name.to_str().ok());
        let name = header.and_then(|text| text.strip_prefix("Bearer ")).unwrap_or("nobody");
        let caller = Caller::authenticated(name, "named").with_grants(Grants::all());
        Box::pin(std::future::ready(Ok(Arc::new(caller))))
    }
}

#[expect(clippy::panic, reason = "this is what it is for")]
async fn panics() -> Result<String, ToolError> {
    panic!("as it was told to")
}

fn service() -> anyhow::Result<Service> {
    let server = Server::new("misbehaving", "1.0.0")
        .tool(Tool::new("answer").handler(|| async { "42" }))
        .tool(Tool::new("panics").handler(panics))
        .tool(Tool::new("never").handler(std::future::pending::<String>))
        .tool(Tool::new("blocks").handler(
            |Args(Block { milliseconds }): Args<Block>| async move {
                std::thread::sleep(Duration::from_millis(milliseconds));
                "blocked"
            },
        ));
    Ok(server.build()?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let shutdown = Shutdown::on_signals(GRACE)?;
    match arguments.as_slice() {
        ["--listen", address] => {
            let http = Http::new(HttpSettings::default()).service(service()?);
            let bound = http.authenticator(Arc::new(Named)).bind(address.parse()?).await?;
            for url in bound.urls() {
                #[expect(
                    clippy::print_stderr,
                    reason = "whoever started it reads where it listens"
                )]
                {
                    eprintln!("listening on {url}");
                }
            }
            bound.serve(&shutdown).await;
            Ok(())
        }
        ["--stdio"] => Ok(stdio::serve(&service()?, Caller::local(), &shutdown).await?),
        _ => bail!("usage: misbehaving --listen ADDRESS | --stdio"),
    }
}
