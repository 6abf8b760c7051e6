//! JSON-RPC batches, which revision 2025-03-26 asks servers to accept. The answers come together as JSON; what the calls
//! would say before them is not sent.

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Response, StatusCode};

use super::{body::ResponseBody, endpoint::Exchange, reply};
use crate::{
    dispatch::{Finished, Received, Step},
    protocol::{HeaderView, Revision, RpcError},
};

/// Most messages in one batch.
const MAX: usize = 1000;

/// Answers a batch.
pub(super) async fn answer(exchange: &Exchange<'_>, items: &[Bytes]) -> Response<ResponseBody> {
    let revision =
        match (&exchange.session, HeaderView(exchange.headers).value("MCP-Protocol-Version")) {
            (Some(session), _) => Some(session.session.revision),
            (None, Ok(None)) => Some(Revision::ASSUMED),
            (None, Ok(Some(named))) => Revision::parse(&named),
            (None, Err(_)) => None,
        };
    let refuse = |text: &'static str| {
        reply::because("invalid_request", reply::error(&RpcError::invalid_request(text), None))
    };
    if !revision.is_some_and(Revision::allows_batches) {
        return refuse("this revision has no batches: send one message per request");
    }
    if items.is_empty() || items.len() > MAX {
        return refuse("a batch has 1 to 1000 messages");
    }
    let answers = join_all(items.iter().map(|item| one(exchange, item))).await;
    let mut body = Vec::new();
    for answer in answers.into_iter().flatten() {
        body.push(if body.is_empty() { b'[' } else { b',' });
        body.extend_from_slice(&answer);
    }
    if body.is_empty() {
        return reply::empty(StatusCode::ACCEPTED);
    }
    body.push(b']');
    reply::json(200, body)
}

async fn one(exchange: &Exchange<'_>, item: &Bytes) -> Option<Vec<u8>> {
    let mut running = match exchange.receive(item, false) {
        Received::Nothing => return None,
        Received::Refused { body, .. } => return Some(body),
        Received::Batch(_) => {
            return Some(RpcError::invalid_request("a batch holds no batches").to_message(None));
        }
        Received::Call(running) => running,
    };
    if running.new_session.is_some() {
        let error = RpcError::invalid_request("initialize can't be part of a batch");
        return Some(error.to_message(Some(running.id())));
    }
    let mut step = exchange.first_step(&mut running).await;
    loop {
        match step {
            Step::Outgoing(_) => step = running.next().await,
            Step::Finished(Finished::Reply { body, .. }) => return Some(body),
            Step::Finished(_) => return None,
        }
    }
}
