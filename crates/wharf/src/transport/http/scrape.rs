//! `/metrics`: what a process counts, for whoever may know it.
//!
//! The names of tools and how much they are used tell a stranger what a server is for, so it asks the authenticator as every
//! endpoint does, and for a permission of its own: a key for it opens nothing else.

use std::net::IpAddr;

use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};

use super::{
    body::ResponseBody,
    endpoint::{not_allowed, refuse},
    forwarded, reply,
    server::Inner,
};
use crate::{
    caller::{Caller, Credentials},
    metrics::{MetricsFormat, MetricsSource as _},
    scope::{Refusal, Scope, Target, TargetKind},
};

/// What a caller has to hold.
const PERMISSION: &str = "metrics:read";

/// Answers one request.
pub(super) async fn serve(inner: &Inner, head: &Parts, peer: IpAddr) -> Response<ResponseBody> {
    let Some(metrics) = &inner.metrics else { return reply::empty(StatusCode::NOT_FOUND) };
    let headers = &head.headers;
    let client_addr = forwarded::client_addr(peer, headers, &inner.settings.trusted_proxies);
    let credentials = Credentials { headers, client_addr: Some(client_addr) };
    let caller = match inner.authenticator.authenticate(credentials).await {
        Ok(caller) => caller,
        Err(challenge) => return refuse(&challenge),
    };
    if !may_read(&caller) {
        return forbidden();
    }
    if !matches!(head.method, Method::GET | Method::HEAD) {
        return not_allowed("read metrics with GET", "GET, HEAD");
    }
    let mut measured = metrics.measured();
    for endpoint in &inner.endpoints {
        endpoint.service.measure(&mut measured);
        endpoint.sessions.measure(endpoint.service.name(), &mut measured);
    }
    if let Some(places) = &inner.places {
        places.measure(&mut measured);
    }
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = MetricsFormat::accepted_by(accept.unwrap_or_default());
    let mut response = Response::new(ResponseBody::full(measured.text(format).into()));
    let content_type = HeaderValue::from_static(format.content_type());
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whoever holds the permission, or administers; not who is denied it.
fn may_read(caller: &Caller) -> bool {
    let target = |scopes| Target::new("", TargetKind::Admin, "metrics", scopes);
    let Ok(permission) = Scope::new(PERMISSION) else { return false };
    match caller.grants.check(&target(&[permission])) {
        Ok(()) => true,
        Err(Refusal::Denied) => false,
        Err(_) => caller.grants.allows(&target(&[])),
    }
}

/// HTTP 403 with the challenge of RFC 6750 section 3.1.
fn forbidden() -> Response<ResponseBody> {
    let text = "metrics are for callers with the permission metrics:read";
    let mut response = reply::text(StatusCode::FORBIDDEN, text);
    let challenge =
        HeaderValue::from_static("Bearer error=\"insufficient_scope\", scope=\"metrics:read\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}
