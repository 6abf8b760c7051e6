//! The part that all examples share: stdin and stdout, or HTTP with `--listen ADDR`.

use std::{error::Error, net::SocketAddr, time::Duration};

use clap::Parser;
use wharf::{
    Caller, Server,
    transport::{
        Shutdown,
        http::{Http, HttpSettings},
        stdio,
    },
};

#[derive(Parser)]
struct Options {
    /// Serve HTTP on this address, such as 127.0.0.1:8080; port 0 takes any free port
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

/// Serves until the client is gone, or until SIGTERM or Ctrl-C.
///
/// # Errors
/// When the server can't be built, the address can't be listened on, or stdin or stdout fails.
pub async fn run(server: Server) -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let service = server.build()?;
    let shutdown = Shutdown::on_signals(Duration::from_secs(5))?;
    match options.listen {
        None => stdio::serve(&service, Caller::local(), &shutdown).await?,
        Some(addr) => {
            let bound = Http::new(HttpSettings::default()).service(service).bind(addr).await?;
            for url in bound.urls() {
                say(&format!("listening on {url}"));
            }
            bound.serve(&shutdown).await;
        }
    }
    Ok(())
}

/// stdout belongs to the protocol, so everything for people goes to stderr.
#[expect(clippy::print_stderr, reason = "the one line that says where the server is")]
fn say(text: &str) {
    eprintln!("{text}");
}
