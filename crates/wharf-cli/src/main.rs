//! The `wharf` command: reads the command line, runs one command, and ends with its exit code. All it decides is where failures
//! are told: a failure with `--json` is an object on stdout, because whoever parses the output needs it there.

mod access;
mod arguments;
mod asking;
mod cli;
mod commands;
mod config;
mod databases;
mod durable;
mod exit;
mod failure;
mod flags;
mod form;
mod handler;
mod hosting;
mod logging;
mod patience;
mod printer;
mod scaffold;
mod session;
mod target;

use std::{process::ExitCode, time::Duration};

use clap::Parser;

use crate::{
    cli::{Cli, Command, ConfigCommand},
    commands::{call, init, keys, list, prompt, read, serve, stdio},
    exit::Exit,
    failure::Failure,
};

/// Calls allocate little and often, on every worker, which this allocator does for less than the system's. It is built
/// without huge pages: an idle server would hold several, nearly empty.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long tasks get to end after the command has.
const SHUTDOWN_LIMIT: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no failures; clap prints them on stdout.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            let _ = error.print();
            return exit.into();
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            printer::note(&format!("wharf: cannot start: {error}"));
            return Exit::Internal.into();
        }
    };
    let exit = match runtime.block_on(run(&cli.command)) {
        Ok(exit) => exit,
        Err(error) => report(&error, wants_json(&cli.command)),
    };
    // Dropping what is left kills a server that never answered. A question at the terminal may still wait for a line, which
    // nobody needs any more, so the wait is short.
    runtime.shutdown_timeout(SHUTDOWN_LIMIT);
    exit.into()
}

async fn run(command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::Serve(options) => serve::run(options).await,
        Command::Stdio(options) => stdio::run(options).await,
        Command::Config(command) => commands::config::run(command),
        Command::Doctor(options) => commands::doctor::run(options).await,
        Command::Init(options) => init::run(options),
        Command::Keys(command) => keys::run(command),
        Command::List(options) => list::run(options).await,
        Command::Call(options) => call::run(options).await,
        Command::Read(options) => read::run(options).await,
        Command::Prompt(options) => prompt::run(options).await,
    }
}

fn wants_json(command: &Command) -> bool {
    match command {
        Command::Serve(options) => options.json,
        // stdout belongs to the protocol.
        Command::Stdio(_) => false,
        Command::Config(command) => {
            matches!(command, ConfigCommand::Matrix(options) if options.json)
        }
        Command::Doctor(options) => options.json,
        Command::Init(options) => options.json,
        Command::Keys(command) => command.json(),
        Command::List(options) | Command::Read(options) | Command::Prompt(options) => {
            options.client.json
        }
        Command::Call(options) => options.target.client.json,
    }
}

fn report(error: &anyhow::Error, json: bool) -> Exit {
    printer::tell(error);
    let Some(failure) = error.downcast_ref::<Failure>() else {
        return Exit::Internal;
    };
    // stderr has told it already, should stdout be gone too.
    if json {
        let _ = printer::write_json(&failure.to_json());
    }
    failure.exit()
}
