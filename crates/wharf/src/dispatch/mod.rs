//! From a message to its answer: decode, run through the stack, encode. The only place where failures become wire errors.

mod continuation;
mod decode;
mod edge;
mod encode;
mod listening;
mod operation;
mod params;
mod running;

pub(crate) use decode::Arrival;
pub(crate) use edge::Edge;
pub(crate) use listening::Listening;
pub(crate) use running::{Finished, Running, Step};

use bytes::Bytes;

use crate::{
    protocol::{Id, Inside, Message, RpcError, parse_message},
    server::core::Core,
    shared::Shared,
};

/// What one message asks of a transport.
pub(crate) enum Received {
    /// Nothing is to be sent: a notification, or a client's answer.
    Nothing,
    /// A request that could not become a call.
    Refused { body: Vec<u8>, status: u16 },
    /// A call to drive. `initialize` calls carry the session that they agree on.
    Call(Box<Running>),
    /// Several messages at once, each to be received by itself.
    Batch(Vec<Bytes>),
}

impl Shared<Core> {
    /// Takes one message in.
    pub(crate) fn receive(&self, body: &Bytes, edge: &Edge<'_>) -> Received {
        let Ok(text) = std::str::from_utf8(body) else {
            return self.refuse(&RpcError::parse("the text is not UTF-8"), None, edge);
        };
        let mut inside = Inside::default();
        match parse_message(text, &mut inside) {
            Err(refused) => self.refuse(&refused.0, refused.1.as_ref(), edge),
            Ok(Message::Batch(items)) => Received::Batch(
                items.into_iter().map(|item| crate::protocol::slice(body, item)).collect(),
            ),
            Ok(Message::Response { id, result }) => {
                if let Some(session) = edge.session {
                    let parse = |raw| crate::protocol::parse_strict(raw).unwrap_or_default();
                    session.answer(&id, result.map(parse).map_err(parse));
                }
                Received::Nothing
            }
            Ok(Message::Notification { method, params }) => {
                decode::notification(&method, params, edge);
                Received::Nothing
            }
            Ok(Message::Request { id, method, params }) => {
                match decode::request(
                    self,
                    Arrival { body, id: id.clone(), method: &method, params, inside },
                    edge,
                ) {
                    Ok(running) => Received::Call(Box::new(running)),
                    Err(error) => self.refuse(&error, Some(&id), edge),
                }
            }
        }
    }
}

impl Core {
    fn refuse(&self, error: &RpcError, id: Option<&Id>, edge: &Edge<'_>) -> Received {
        tracing::debug!(code = error.code, message = %error.message, "a message was refused");
        self.record_refusal(&edge.refusal(error));
        Received::Refused { body: error.to_message(id), status: error.status }
    }
}
