//! The command line: what may be typed, and the help for it. Deciding what it means is the business of the commands.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use secrecy::SecretString;

use crate::{
    asking::{self, Reply},
    commands::keys::{parse_overlap, parse_period},
    config::{self, Asked, Settings},
    exit,
    failure::Failure,
    flags::ServerFlags,
    target::parse_timeout,
};

/// Run MCP servers and talk to them.
#[derive(Debug, Parser)]
#[command(name = "wharf", version, after_help = exit::TABLE, after_long_help = exit::TABLE)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Host servers over HTTP: all that are configured, or one
    #[command(
        override_usage = "wharf serve [OPTIONS] [SERVER [--KEY VALUE]...]",
        after_help = SERVE_EXAMPLES,
    )]
    Serve(ServeOptions),
    /// Run one server on stdin and stdout, as desktop clients start it
    #[command(
        override_usage = "wharf stdio [OPTIONS] <SERVER> [--KEY VALUE]...",
        after_help = STDIO_EXAMPLES,
    )]
    Stdio(StdioOptions),
    /// Write a new server project that compiles, runs and is tested
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitOptions),
    /// Check the configuration, or print its schema or manual
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look at everything that a start would use, and say what should be changed
    Doctor(MatrixOptions),
    /// Make, list, rotate and revoke API keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// List the tools, resources, resource templates and prompts of a server
    #[command(
        override_usage = "wharf list [OPTIONS] <URL> [KIND]\n       wharf list [OPTIONS] [KIND] -- <COMMAND>...",
        after_help = LIST_EXAMPLES,
    )]
    List(TargetOptions),
    /// Call a tool
    #[command(
        override_usage = "wharf call [OPTIONS] <URL> <TOOL> [KEY=VALUE]...\n       wharf call [OPTIONS] <TOOL> [KEY=VALUE]... -- <COMMAND>...",
        after_help = CALL_EXAMPLES,
    )]
    Call(CallOptions),
    /// Read a resource
    #[command(
        override_usage = "wharf read [OPTIONS] <URL> <URI>\n       wharf read [OPTIONS] <URI> -- <COMMAND>...",
        after_help = READ_EXAMPLES,
    )]
    Read(TargetOptions),
    /// Get a prompt
    #[command(
        override_usage = "wharf prompt [OPTIONS] <URL> <NAME> [KEY=VALUE]...\n       wharf prompt [OPTIONS] <NAME> [KEY=VALUE]... -- <COMMAND>...",
        after_help = PROMPT_EXAMPLES,
    )]
    Prompt(TargetOptions),
}

/// Options of `wharf init`.
#[derive(Debug, Args)]
pub(crate) struct InitOptions {
    /// The folder to make; its name is the project's
    #[arg(value_name = "NAME")]
    pub(crate) path: PathBuf,
    /// A checkout or a Git repository of Wharf; inside of a checkout, that one
    #[arg(long, value_name = "PATH|URL")]
    pub(crate) wharf: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check everything and start nothing
    Check(ServerOptions),
    /// Show who may use what: callers beside everything that is served
    Matrix(MatrixOptions),
    /// Print the JSON Schema, for editors
    Schema,
    /// Print the manual in Markdown
    Manual,
}

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key and print it, once
    #[command(after_help = KEYS_EXAMPLES)]
    New {
        /// What to call it
        #[arg(long, value_name = "NAME")]
        name: String,
        /// What it may use; repeat, or separate by commas
        #[arg(long, value_name = "PATTERN", required = true, value_delimiter = ',')]
        allow: Vec<String>,
        /// For how long it is valid, such as 90d; without this it does not expire
        #[arg(long, value_name = "TIME", value_parser = parse_period)]
        expires: Option<Duration>,
        #[command(flatten)]
        file: KeysFile,
    },
    /// List all keys; what they are is known to nobody
    List {
        #[command(flatten)]
        file: KeysFile,
    },
    /// Remove a key; running servers refuse it at once
    Revoke {
        /// Its name or id
        #[arg(value_name = "KEY")]
        key: String,
        #[command(flatten)]
        file: KeysFile,
    },
    /// Make a new secret for a key and print it, once; the old one stays valid for a while
    Rotate {
        /// Its name or id
        #[arg(value_name = "KEY")]
        key: String,
        /// How long the old secret stays valid; 0s ends it at once
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = parse_overlap)]
        overlap: Duration,
        /// For how long the new one is valid; without this, for as long as the old one was
        #[arg(long, value_name = "TIME", value_parser = parse_period)]
        expires: Option<Duration>,
        #[command(flatten)]
        file: KeysFile,
    },
}

/// Where the keys are.
#[derive(Debug, Args)]
pub(crate) struct KeysFile {
    /// The key file; without it, auth.keys_file of the configuration
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The configuration; without it, wharf.toml in the working directory if there is one
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl KeysCommand {
    /// Whether one JSON object is wanted.
    pub(crate) fn json(&self) -> bool {
        let (Self::New { file, .. }
        | Self::List { file }
        | Self::Revoke { file, .. }
        | Self::Rotate { file, .. }) = self;
        file.json
    }
}

/// Options of `wharf config matrix` and `wharf doctor`.
#[derive(Debug, Args)]
pub(crate) struct MatrixOptions {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `wharf serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    /// Where to listen; port 0 takes any free port
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// Print one JSON object with the URLs on stdout, once they can be reached
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

/// Options of `wharf stdio`.
#[derive(Debug, Args)]
#[command(mut_arg("server", |server| server.required(true)))]
pub(crate) struct StdioOptions {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

/// Which servers to run.
#[derive(Debug, Args)]
pub(crate) struct ServerOptions {
    /// A configured server, or a kind of server
    #[arg(value_name = "SERVER")]
    pub(crate) server: Option<String>,
    /// The configuration; without it, wharf.toml in the working directory if there is one
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

impl ServerOptions {
    /// What the file, the environment and the command line say together.
    ///
    /// # Errors
    /// With everything that is wrong, each at its place.
    pub(crate) fn settings(&self, listen: Option<&str>) -> Result<Settings, Failure> {
        let listen = listen.map(|addr| ("http.listen", "--listen", addr.to_owned()));
        let asked = Asked {
            server: self.server.clone(),
            keys: self.flags.keys.clone(),
            options: listen.into_iter().collect(),
        };
        Ok(config::load(self.config.as_deref(), std::env::vars_os(), &asked)?)
    }
}

/// A server, and words whose meaning depends on the command.
#[derive(Debug, Args)]
pub(crate) struct TargetOptions {
    #[command(flatten)]
    pub(crate) client: ClientOptions,
    /// The URL of the server unless a command follows --, then the words of the usage above
    #[arg(value_name = "WORD")]
    pub(crate) words: Vec<String>,
    /// A command that speaks MCP on its stdin and stdout
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Options of `wharf call`.
#[derive(Debug, Args)]
pub(crate) struct CallOptions {
    /// The arguments as one JSON object, instead of KEY=VALUE words
    #[arg(long, value_name = "JSON")]
    pub(crate) args: Option<String>,
    #[command(flatten)]
    pub(crate) target: TargetOptions,
}

/// How to talk to the server. Secrets are checked later and not by clap, whose errors repeat what was typed, also when it came
/// from the environment.
#[derive(Debug, Args)]
pub(crate) struct ClientOptions {
    /// Which protocol to speak: auto asks with server/discover and falls back to initialize
    #[arg(long, value_enum, default_value_t = Era::Auto)]
    pub(crate) era: Era,
    /// A header for every HTTP request; repeat for more
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<SecretString>,
    /// A bearer token for HTTP; prefer the environment, others can see the command line
    #[arg(long, env = "WHARF_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<SecretString>,
    /// How long to wait for the result; progress starts the clock again, a question to you stops it
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = parse_timeout)]
    pub(crate) timeout: Duration,
    /// Answer a question of the server: a JSON object accepts, or decline, or cancel; repeat for more questions
    #[arg(long = "answer", value_name = "JSON", value_parser = asking::parse_reply)]
    pub(crate) answers: Vec<Reply>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which lifecycle to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Era {
    /// server/discover, then initialize
    Auto,
    /// Protocol 2026-07-28 and later: no handshake
    Modern,
    /// Protocol 2025-11-25 and earlier: initialize
    Legacy,
}

const SERVE_EXAMPLES: &str = "\
Without a configuration, the demo is served: a calculator, a database with sample data and, in a
checkout of this project, its documents.
Every key of a server in docs/CONFIG.md is an option too. Logs go to stderr.

Examples:
  wharf serve
  wharf serve database --path shop.db --listen 127.0.0.1:9000
  wharf serve --config /etc/wharf.toml";

const STDIO_EXAMPLES: &str = "\
Every key of a server in docs/CONFIG.md is an option too. Logs go to stderr.

Examples:
  wharf stdio calculator
  wharf stdio database --path shop.db
  wharf stdio shop --config /etc/wharf.toml";

const INIT_EXAMPLES: &str = "\
The project has a tool, a resource, a prompt, tests, a Dockerfile and configuration for clients.

Examples:
  wharf init weather --wharf ../wharf
  wharf init weather --wharf https://example.com/wharf.git";

const KEYS_EXAMPLES: &str = "\
Patterns: * for all, tools, resources, prompts, admin, SERVER:*, SERVER:ITEM with * for any text,
or a scope such as issues:write. ! before a pattern denies what it covers. Quote them.

Examples:
  wharf keys new --name ci --allow 'database:*' --expires 90d
  wharf keys new --name reports --allow 'tools,!database:execute_*' --file keys.json";

const LIST_EXAMPLES: &str = "\
KIND is tools, resources, templates or prompts; without it, all that the server has.

Examples:
  wharf list http://127.0.0.1:8080/mcp
  wharf list http://127.0.0.1:8080/mcp tools --json
  wharf list prompts -- ./server --stdio";

const CALL_EXAMPLES: &str = "\
Arguments are typed by the tool's input schema:
  a=5         a number where the schema says so; strings stay strings (zip=00501)
  ids=[1,2]   arrays and objects are JSON
  a.b=1       a property of an object
  key:=JSON   JSON whatever the schema says
  key=@FILE   the content of a file; @@ stands for a plain @

Examples:
  wharf call http://127.0.0.1:8080/mcp add a=1 b=2
  wharf call https://example.com/mcp search --args '{\"query\":\"harbour\"}' --json
  wharf call add a=1 b=2 -- ./server --stdio
  wharf call http://127.0.0.1:8080/mcp order --answer '{\"size\":\"large\"}'

Exit code 1 says that the tool failed; see wharf --help for the others.";

const READ_EXAMPLES: &str = "\
One binary resource is written as it is unless stdout is a terminal.

Examples:
  wharf read http://127.0.0.1:8080/mcp file:///notes.txt
  wharf read http://127.0.0.1:8080/mcp image://logo > logo.png
  wharf read test://static-text -- ./server --stdio";

const PROMPT_EXAMPLES: &str = "\
Arguments of prompts are strings; key=@FILE reads a file.

Examples:
  wharf prompt http://127.0.0.1:8080/mcp review language=rust code=@src/main.rs
  wharf prompt greeting -- ./server --stdio";
