//! One server and one client in one process: so many `tools/call`s over one connection of the loopback interface, one after
//! the other, and nothing else. `benches/profile.py` counts the instructions of two runs of different length; their
//! difference is what a call costs, whatever a start costs.
//!
//! usage: `profile SERVER CALLS [--legacy] [--size BYTES] [--layers N] [--sinks] [--rate-limit] [--kept] [--tools N]`
//!
//! SERVER is `answer` (a task that answers with prepared bytes: what the client, the runtime and the sockets cost), `hyper`
//! and `axum` (the bare handler of `bare-axum`), or `wharf`. `--layers` keeps the innermost layers of the stack only, `--tools`
//! adds so many that nobody calls.

#[path = "../../bare-axum/src/answer.rs"]
mod answer;
mod bare;
mod client;
mod served;

use anyhow::{Context, bail};
use tokio::runtime::Builder;

// The allocator of every measured server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is asked for on the command line.
pub struct Options {
    server: String,
    calls: u64,
    legacy: bool,
    /// Bytes of the text to echo; without, two numbers are added.
    size: Option<usize>,
    layers: Option<usize>,
    sinks: bool,
    rate_limit: bool,
    kept: bool,
    tools: usize,
}

impl Options {
    fn parse() -> anyhow::Result<Self> {
        let mut arguments = std::env::args().skip(1);
        let server = arguments.next().context("which server? answer, hyper, axum or wharf")?;
        let calls = arguments.next().context("how many calls?")?.parse()?;
        let (legacy, size, layers, sinks, rate_limit, kept) =
            (false, None, None, false, false, false);
        let tools = 0;
        let mut options =
            Self { server, calls, legacy, size, layers, sinks, rate_limit, kept, tools };
        while let Some(option) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{option} needs a value"));
            match option.as_str() {
                "--legacy" => options.legacy = true,
                "--size" => options.size = Some(value()?.parse()?),
                "--layers" => options.layers = Some(value()?.parse()?),
                "--sinks" => options.sinks = true,
                "--rate-limit" => options.rate_limit = true,
                "--kept" => options.kept = true,
                "--tools" => options.tools = value()?.parse()?,
                _ => bail!("unknown option {option}"),
            }
        }
        Ok(options)
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let address = match options.server.as_str() {
            "answer" => bare::answer(&options).await?,
            "hyper" => bare::hyper().await?,
            "axum" => bare::axum().await?,
            "wharf" => served::wharf(&options).await?,
            other => bail!("unknown server {other}"),
        };
        let thread = std::thread::spawn(move || client::run(address, &options));
        // The server's tasks run here while the client has a thread of its own.
        let ended = tokio::task::spawn_blocking(move || thread.join()).await?;
        ended.map_err(|_| anyhow::anyhow!("the client panicked"))?
    })
}
