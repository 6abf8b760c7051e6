//! Liveness, readiness and health, without authentication and without detail that others should not see.

use std::time::Duration;

use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::{body::ResponseBody, endpoint::Endpoint, reply};
use crate::observe::Readiness;

/// Longest wait for all probes of one server.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// `/livez`: the process answers.
pub(super) fn live() -> Response<ResponseBody> {
    reply::text(StatusCode::OK, "ok")
}

/// `/readyz` and `/health`: every probe of every server. 503 while one is not ready, or the server is ending.
pub(super) async fn ready(endpoints: &[Endpoint]) -> Response<ResponseBody> {
    let mut servers = Map::new();
    let mut all = true;
    for endpoint in endpoints {
        let core = &endpoint.service.0;
        let mut checks = Map::new();
        let mut ready = !core.closing.is_cancelled();
        match tokio::time::timeout(PROBE_TIMEOUT, core.readiness()).await {
            Ok(results) => {
                for (name, readiness) in results {
                    ready &= readiness == Readiness::Ready;
                    let text = match readiness {
                        Readiness::Ready => "ready".to_owned(),
                        Readiness::NotReady(reason) => reason,
                    };
                    checks.insert(name, text.into());
                }
            }
            Err(_) => ready = false,
        }
        all &= ready;
        let status = if ready { "ready" } else { "not ready" };
        servers.insert(core.name().to_owned(), json!({"status": status, "checks": checks}));
    }
    let status = if all { "ready" } else { "not ready" };
    let body = json!({"status": status, "servers": Value::Object(servers)});
    reply::json(if all { 200 } else { 503 }, body.to_string())
}
