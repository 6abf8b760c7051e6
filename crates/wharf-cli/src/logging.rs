//! The log of a server, on stderr: stdout belongs to the protocol or to data.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer as _, filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::config::{Level, LogFormat, Logging};

/// Libraries below the runtime, whose lines at `info` and `debug` say nothing to an operator.
const QUIET: &[&str] = &["hyper", "hyper_util", "rustls", "mio", "h2"];

/// Begins to log. Only the first call of a process does anything.
pub(crate) fn start(logging: &Logging) {
    let level = match logging.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let quiet = QUIET.iter().map(|name| (*name, level.min(LevelFilter::WARN)));
    let filter = Targets::new().with_default(level).with_targets(quiet);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match logging.format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => {
            use std::io::IsTerminal as _;
            lines.with_ansi(std::io::stderr().is_terminal()).boxed()
        }
    };
    // A second subscriber of one process would be a test's.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
}
