//! Liveness, readiness and health, without authentication and without detail that others should not see.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::{body::ResponseBody, endpoint::Endpoint, reply};
use crate::observe::{Probe, Readiness};

/// Longest wait for all probes of one server.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// `/livez`: the process answers.
pub(super) fn live() -> Response<ResponseBody> {
    reply::text(StatusCode::OK, "ok")
}

/// From good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Ready,
    Degraded,
    NotReady,
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::NotReady => "not ready",
        }
    }
}

/// `/readyz` and `/health`: every probe of every server and of the listener. 503 while one is not ready, or the server is
/// ending.
pub(super) async fn ready(
    endpoints: &[Endpoint],
    probes: &[Arc<dyn Probe>],
) -> Response<ResponseBody> {
    let mut servers = Map::new();
    let (mut worst, checks) = asked(probes).await;
    for endpoint in endpoints {
        let core = &endpoint.service.0;
        let (mut status, checks) = asked(core.probes()).await;
        if core.closing.is_cancelled() {
            status = Status::NotReady;
        }
        worst = worst.max(status);
        let server = json!({"status": status.as_str(), "checks": checks});
        servers.insert(core.name().to_owned(), server);
    }
    let mut body = json!({"status": worst.as_str(), "servers": Value::Object(servers)});
    if !probes.is_empty() {
        body["checks"] = checks.into();
    }
    reply::json(if worst == Status::NotReady { 503 } else { 200 }, body.to_string())
}

/// What these say, and what comes of it.
async fn asked(probes: &[Arc<dyn Probe>]) -> (Status, Map<String, Value>) {
    let checks = probes.iter().map(|probe| async { (probe.name(), probe.check().await) });
    let mut told = Map::new();
    let Ok(results) = tokio::time::timeout(PROBE_TIMEOUT, join_all(checks)).await else {
        return (Status::NotReady, told);
    };
    let mut worst = Status::Ready;
    for (name, readiness) in results {
        let (status, text) = match readiness {
            Readiness::Ready => (Status::Ready, "ready".to_owned()),
            Readiness::Degraded(reason) => (Status::Degraded, reason),
            Readiness::NotReady(reason) => (Status::NotReady, reason),
        };
        worst = worst.max(status);
        told.insert(name.to_owned(), text.into());
    }
    (worst, told)
}
