//! `fuzz TARGET [--seconds N | --runs N] [--seed N] [CORPUS_DIR…]` feeds mutated input to one target until it fails or the
//! time is over; `fuzz TARGET FILE` runs one input again; `fuzz --list` names the targets.
//!
//! It runs on the stable toolchain. Where the code under test was compiled with coverage counters (`scripts/fuzz` does that),
//! inputs that reach something new are kept and mutated further; otherwise the mutations are blind. An input that panics,
//! overflows the stack or never ends is left in `fuzz/crashes/`, and the exit code is 1.

mod coverage;
mod engine;
mod input;
mod message;
mod mutate;
mod request;
mod sql;
mod targets;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use engine::{Budget, Options};

const USAGE: &str =
    "usage: fuzz TARGET [--seconds N | --runs N] [--seed N] [CORPUS_DIR | FILE]...; fuzz --list";

fn parse(arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut target = None;
    let mut options = Options {
        target: &targets::ALL[0],
        budget: Budget::Time(Duration::from_secs(60)),
        seed: 1,
        inputs: Vec::new(),
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().ok_or(format!("{argument} needs a number"))?;
            value.parse::<u64>().map_err(|error| format!("{argument} {value}: {error}"))
        };
        match argument.as_str() {
            "--seconds" => options.budget = Budget::Time(Duration::from_secs(number()?)),
            "--runs" => options.budget = Budget::Runs(number()?),
            "--seed" => options.seed = number()?,
            _ if argument.starts_with('-') => return Err(USAGE.to_owned()),
            _ if target.is_none() => target = Some(argument),
            _ => options.inputs.push(PathBuf::from(argument)),
        }
    }
    let name = target.ok_or(USAGE)?;
    options.target = targets::ALL
        .iter()
        .find(|target| target.name == name)
        .ok_or_else(|| format!("no target {name:?}; see fuzz --list"))?;
    Ok(options)
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("--list") {
        for target in targets::ALL {
            println!("{}", target.name);
        }
        return ExitCode::SUCCESS;
    }
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(64);
        }
    };
    match engine::run(options) {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}
