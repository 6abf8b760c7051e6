//! The command line.
//!
//! `loadgen http --url URL [options]`, `loadgen stdio [options] -- COMMAND` and
//! `loadgen cold [options] -- COMMAND`. Written by hand, because a parser crate would be
//! larger than the program.

use anyhow::{Context, bail};

/// What is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Keep-alive connections to a running server.
    Http,
    /// A child process over pipes.
    Stdio,
    /// Time from the start of a child process to its first answer.
    Cold,
}

/// Which protocol the requests speak.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Era {
    /// 2026-07-28: stateless, `_meta` in every request.
    Modern,
    /// 2025-11-25: `initialize` first, then a session when the server opens one.
    Legacy,
}

/// What is called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// The tool `add`: two integers, their sum as text.
    Add,
    /// The tool `echo`: a text of `size_bytes`, the same text back.
    Echo,
    /// `tools/list`.
    List,
}

/// One measurement.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is measured.
    pub mode: Mode,
    /// Host and port, from `--url`.
    pub address: String,
    /// Path, from `--url`.
    pub path: String,
    /// Which protocol the requests speak.
    pub era: Era,
    /// What is called.
    pub target: Target,
    /// Length of the echoed text.
    pub size_bytes: usize,
    /// Connections at once, each with one request in flight (HTTP).
    pub connections: usize,
    /// Requests in flight (stdio), or the number of starts (cold).
    pub in_flight: usize,
    /// Length of the measured window.
    pub seconds: f64,
    /// Time before the window opens.
    pub warm_up_seconds: f64,
    /// The server process (HTTP); of a child the id is known.
    pub pid: u32,
    /// Cores of the server and of this program, to see what others used of them.
    pub cores: [usize; 2],
    /// Tools that `tools/list` has to return.
    pub expect_tools: usize,
    /// Further header lines, such as `Authorization: Bearer x`.
    pub headers: Vec<String>,
    /// Print one exchange instead of measuring.
    pub dump: bool,
    /// The program behind `--`.
    pub command: Vec<String>,
}

impl Options {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// An unknown option, a missing value or a value of the wrong kind.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mode = match arguments.next().as_deref() {
            Some("http") => Mode::Http,
            Some("stdio") => Mode::Stdio,
            Some("cold") => Mode::Cold,
            other => bail!("the first argument is http, stdio or cold, not {other:?}"),
        };
        let mut options = Self::new(mode);
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--" => options.command = arguments.by_ref().collect(),
                "--dump" => options.dump = true,
                _ => {
                    let value =
                        arguments.next().with_context(|| format!("{name} needs a value"))?;
                    options.set(&name, &value).with_context(|| format!("{name} {value}"))?;
                }
            }
        }
        if options.mode == Mode::Http && options.address.is_empty() {
            bail!("http needs --url");
        }
        if options.mode != Mode::Http && options.command.is_empty() {
            bail!("stdio and cold need -- COMMAND");
        }
        if options.connections == 0 || options.in_flight == 0 {
            bail!("--connections and --in-flight are at least 1");
        }
        Ok(options)
    }

    fn new(mode: Mode) -> Self {
        Self {
            mode,
            address: String::new(),
            path: String::new(),
            era: Era::Modern,
            target: Target::Add,
            size_bytes: 8,
            connections: 1,
            in_flight: 1,
            seconds: 5.0,
            warm_up_seconds: 1.0,
            pid: 0,
            cores: [0, 1],
            expect_tools: 0,
            headers: Vec::new(),
            dump: false,
            command: Vec::new(),
        }
    }

    fn set(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        match name {
            "--url" => {
                let rest = value.strip_prefix("http://").context("only http:// URLs")?;
                let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
                (self.address, self.path) = (address.to_owned(), format!("/{path}"));
            }
            "--era" => {
                self.era = match value {
                    "modern" => Era::Modern,
                    "legacy" => Era::Legacy,
                    _ => bail!("modern or legacy"),
                }
            }
            "--target" => {
                self.target = match value {
                    "add" => Target::Add,
                    "echo" => Target::Echo,
                    "list" => Target::List,
                    _ => bail!("add, echo or list"),
                }
            }
            "--size" => self.size_bytes = value.parse::<usize>()?.max(8),
            "--connections" => self.connections = value.parse()?,
            "--in-flight" => self.in_flight = value.parse()?,
            "--seconds" => self.seconds = value.parse()?,
            "--warm-up" => self.warm_up_seconds = value.parse()?,
            "--pid" => self.pid = value.parse()?,
            "--server-core" => self.cores[0] = value.parse()?,
            "--client-core" => self.cores[1] = value.parse()?,
            "--expect-tools" => self.expect_tools = value.parse()?,
            "--header" => self.headers.push(value.to_owned()),
            _ => bail!("unknown option"),
        }
        Ok(())
    }
}
