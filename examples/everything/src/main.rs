//! A server with every feature of the protocol, built with the public API only. It carries the fixtures that the official
//! conformance suite asks for by name, so the suite runs against it; read it to see how each feature is written.

mod asking;
mod prompts;
mod resources;
mod tools;

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use clap::Parser;
use wharf::{
    Caller, Server,
    transport::{Shutdown, http::Http, http::HttpSettings, stdio},
};

/// A server with every feature of the protocol.
#[derive(Parser)]
struct Options {
    /// Serve HTTP on this address, such as 127.0.0.1:8080; port 0 chooses a free one.
    #[arg(long, value_name = "ADDR", conflicts_with = "stdio")]
    listen: Option<SocketAddr>,
    /// Serve stdin and stdout (the default).
    #[arg(long)]
    stdio: bool,
}

fn server() -> Server {
    let server = Server::new("everything", env!("CARGO_PKG_VERSION"))
        .title("Everything")
        .description("Every feature of the protocol")
        .instructions("Call any tool: each shows one feature.");
    asking::register(prompts::register(resources::register(tools::register(server))))
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let service = server().build()?;
    let shutdown = Shutdown::on_signals(Duration::from_secs(5))?;
    match options.listen {
        Some(addr) => {
            let bound = Http::new(HttpSettings::default()).service(service).bind(addr).await?;
            for url in bound.urls() {
                tracing_line(&format!("listening on {url}"));
            }
            bound.serve(&shutdown).await;
        }
        None => stdio::serve(&service, Caller::local(), &shutdown).await?,
    }
    Ok(())
}

/// stdout belongs to the protocol, so everything for people goes to stderr.
#[expect(clippy::print_stderr, reason = "the one line that says where the server is")]
fn tracing_line(text: &str) {
    eprintln!("{text}");
}

fn main() -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run(options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing_line(&format!("everything: {error}"));
            ExitCode::FAILURE
        }
    }
}
