//! From settings to servers that can be run. The one place that knows every kind of server and its crate.

use std::sync::Arc;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use wharf::{Metrics, Rate, SealingKey, Service};
use wharf_database::{Databases, PoolMetrics};
use wharf_store::sqlite::SqliteStore;

use crate::{
    config::{Limits, RateLimits, Server, ServerKind, Settings},
    databases,
    durable::StateProbe,
    exit::Exit,
    failure::Failure,
};

/// A server that is ready to be served.
#[derive(Debug)]
pub(crate) struct Hosted {
    /// The last part of its path.
    pub(crate) name: String,
    pub(crate) service: Service,
    /// Tools that the configuration leaves out. Permissions may speak of them all the same.
    pub(crate) disabled: Vec<String>,
    /// A call to try it with, in the words of `wharf call`.
    pub(crate) example: &'static [&'static str],
    /// Its databases, which tell of changes while it is served and are closed afterwards.
    pub(crate) databases: Option<Databases>,
}

/// Builds all servers, which share `store`; without one each keeps its state in memory. Their calls and what they are made of
/// are measured in `metrics`.
///
/// # Errors
/// The first that can't be built, by its name.
pub(crate) fn build(
    settings: &Settings,
    store: Option<&Arc<SqliteStore>>,
    metrics: Option<&Arc<Metrics>>,
) -> anyhow::Result<Vec<Hosted>> {
    settings.servers.iter().map(|server| hosted(server, settings, store, metrics)).collect()
}

fn hosted(
    server: &Server,
    settings: &Settings,
    store: Option<&Arc<SqliteStore>>,
    metrics: Option<&Arc<Metrics>>,
) -> anyhow::Result<Hosted> {
    let mut opened = None;
    let (described, example): (_, &[&str]) = match &server.kind {
        ServerKind::Calculator => (
            wharf_calculator::server(wharf_calculator::Settings::default()),
            &["calculate", "expression=2^64 / 3"],
        ),
        ServerKind::Database(database) => {
            let databases =
                databases::of(database).map_err(|error| unusable(&server.name, &error))?;
            opened = Some(databases.clone());
            (wharf_database::server(databases), databases::example(database))
        }
        ServerKind::Files(files) => (
            wharf_files::server(&files.settings())
                .map_err(|error| unusable(&server.name, &error))?,
            &["list_directory"],
        ),
    };
    let keys = settings.state.keys.iter().map(|key| SealingKey::new(key.expose_secret()));
    let keys = keys.collect::<Result<Vec<_>, _>>().context("state.keys")?;
    let described = match store {
        Some(store) => described
            .state_store(Arc::<SqliteStore>::clone(store))
            .probe(Arc::new(StateProbe(Arc::clone(store)))),
        None => described,
    };
    let described = match metrics {
        Some(metrics) => described.metrics(Arc::<Metrics>::clone(metrics)),
        None => described,
    };
    if let (Some(metrics), Some(databases)) = (metrics, &opened) {
        let pools = PoolMetrics::new(server.name.as_str(), databases.clone());
        metrics.add_source(Arc::new(pools));
    }
    let described = server.tools.iter().fold(described, |described, (tool, overrides)| {
        described.override_tool(tool.as_str(), overrides.clone())
    });
    let service = described
        .hosted_as(server.name.as_str())
        .limits(limits(&server.limits))
        .rate_limits(|limits| rate_limits(limits, &server.rate_limits))
        .sealing_keys(keys)
        .danger_expose_internal_errors(settings.logging.expose_internal_errors)
        .build()
        .map_err(|error| unusable(&server.name, &error))?;
    let disabled = server.tools.iter().filter(|(_, tool)| tool.disabled);
    let disabled = disabled.map(|(name, _)| name.clone()).collect();
    Ok(Hosted { name: server.name.clone(), service, disabled, example, databases: opened })
}

fn unusable(name: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, format!("the server {name:?} can't be served: {error}"))
}

fn limits(configured: &Limits) -> wharf::Limits {
    let mut limits = wharf::Limits::default();
    limits.request_timeout = configured.request_timeout;
    limits.concurrency = configured.concurrency;
    limits.queue = configured.queue;
    limits.concurrency_per_connection = configured.concurrency_per_connection;
    limits.concurrency_per_caller = configured.concurrency_per_caller;
    limits.response_bytes = configured.response_budget;
    limits.page_size = configured.page_size;
    limits
}

/// What is configured stands in place of what the server's author declared for it; the limits of its tools stay.
fn rate_limits(limits: &mut wharf::RateLimits, configured: &RateLimits) {
    let burst = |rate: Rate| configured.per_caller_burst.map_or(rate, |burst| rate.burst(burst));
    limits.per_caller = configured.per_caller.map(burst);
    limits.daily_per_caller = configured.daily_per_caller.map(Rate::per_day);
    limits.server = configured.per_server;
    limits.store_failure = configured.store_failure;
}
