//! The pools of a server's databases as metrics.

use wharf::{Measurements, MetricsSource};

use crate::{
    Databases,
    engine::{PoolStats, StatementStats},
};

/// Measures the pools of one server's databases; a [source](wharf::Metrics::add_source) of metrics.
///
/// | Metric | Labels | What |
/// |---|---|---|
/// | `wharf_database_connections` | `server`, `database`, `state` | connections that are `idle` or `in_use`; opening ones are in use |
/// | `wharf_database_connections_max` | `server`, `database` | connections there may be |
/// | `wharf_database_waiting` | `server`, `database` | requests that wait for a connection |
/// | `wharf_database_timeouts_total` | `server`, `database` | requests that waited in vain, or found the line full |
/// | `wharf_database_queries_total`, `…_query_errors_total` | `server`, `database` | statements that ended, and those of them that failed |
/// | `wharf_database_query_seconds_total` | `server`, `database` | their time; by `…_queries_total` it is the mean |
/// | `wharf_database_prepared_statements` | `server`, `database` | statements that connections keep prepared |
/// | `wharf_database_statement_cache_total` | `server`, `database`, `result` | queries that found theirs prepared (`hit`) or not (`miss`) |
#[derive(Debug)]
pub struct PoolMetrics {
    server: String,
    databases: Databases,
}

impl PoolMetrics {
    /// Measures `databases`, which `server` serves.
    pub fn new(server: impl Into<String>, databases: Databases) -> Self {
        Self { server: server.into(), databases }
    }
}

impl MetricsSource for PoolMetrics {
    fn measure(&self, out: &mut Measurements) {
        for (database, engine) in self.databases.iter() {
            measure(&self.server, database, engine.pool_stats(), out);
        }
    }
}

fn measure(server: &str, database: &str, stats: PoolStats, out: &mut Measurements) {
    let labels = [("server", server), ("database", database)];
    let with = |label, value| [labels[0], labels[1], (label, value)];
    for (state, connections) in [("idle", stats.idle), ("in_use", stats.in_use)] {
        let help = "Open connections to the database";
        out.gauge("wharf_database_connections", help, &with("state", state), connections);
    }
    let help = "Connections to the database that may be open";
    out.gauge("wharf_database_connections_max", help, &labels, stats.max);
    let help = "Requests that wait for a connection";
    out.gauge("wharf_database_waiting", help, &labels, stats.waiting);
    let help = "Requests that waited for a connection in vain";
    out.counter("wharf_database_timeouts", help, &labels, stats.timeouts);
    out.counter("wharf_database_queries", "Statements that ended", &labels, stats.queries);
    out.counter("wharf_database_query_errors", "Statements that failed", &labels, stats.errors);
    let seconds = stats.busy.as_secs_f64();
    out.counter("wharf_database_query_seconds", "Time of statements", &labels, seconds);
    if let Some(StatementStats { kept, hits, misses }) = stats.statements {
        let help = "Statements that connections keep prepared";
        out.gauge("wharf_database_prepared_statements", help, &labels, kept);
        let help = "Queries, by whether their statement was prepared";
        for (result, count) in [("hit", hits), ("miss", misses)] {
            out.counter("wharf_database_statement_cache", help, &with("result", result), count);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use wharf::{Metrics, MetricsFormat};

    use super::*;

    struct Given(PoolStats);

    impl MetricsSource for Given {
        fn measure(&self, out: &mut Measurements) {
            measure("sales", "main", self.0, out);
        }
    }

    fn text(stats: PoolStats) -> String {
        let metrics = Metrics::new();
        metrics.add_source(Arc::new(Given(stats)));
        metrics.text(MetricsFormat::Prometheus)
    }

    #[test]
    fn every_number_of_a_pool_is_a_metric() {
        let stats = PoolStats {
            size: 3,
            idle: 1,
            in_use: 2,
            waiting: 4,
            max: 5,
            timeouts: 6,
            queries: 8,
            errors: 7,
            mean_ms: 250.0,
            busy: Duration::from_secs(2),
            statements: Some(StatementStats { kept: 9, hits: 10, misses: 11 }),
        };
        let text = text(stats);
        for (name, more, expected) in [
            ("connections", r#",state="idle""#, "1"),
            ("connections", r#",state="in_use""#, "2"),
            ("connections_max", "", "5"),
            ("waiting", "", "4"),
            ("timeouts_total", "", "6"),
            ("queries_total", "", "8"),
            ("query_errors_total", "", "7"),
            ("query_seconds_total", "", "2.0"),
            ("prepared_statements", "", "9"),
        ] {
            let line = format!(
                "wharf_database_{name}{{database=\"main\",server=\"sales\"{more}}} {expected}\n"
            );
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
        for (result, expected) in [("hit", 10), ("miss", 11)] {
            let line = format!(
                "wharf_database_statement_cache_total{{database=\"main\",result=\"{result}\",server=\"sales\"}} {expected}\n"
            );
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_database_that_keeps_no_statements_tells_of_none() {
        let text = text(PoolStats::default());
        assert!(text.contains("wharf_database_waiting") && !text.contains("prepared"), "{text}");
    }
}
