//! Asking in place: the client of a legacy session gets a request and the handler waits for its answer.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::{asker::Ask, state::Request};
use crate::{context::Context, error::ToolError, outbox::Outgoing, session::Session};

/// Legacy: one request to the client per question. The deadline stands still and the concurrency permit is given back
/// while a person thinks; the permit is taken again before the handler goes on.
pub(super) async fn ask_session(
    context: &Context,
    session: &Arc<Session>,
    requests: Vec<(String, Request)>,
    argument: Option<&str>,
) -> Result<BTreeMap<String, Value>, ToolError> {
    if !context.outbox.is_open() {
        let instead = argument.map(|name| format!(", or pass the argument {name:?}"));
        return Err(ToolError::unavailable(format!(
            "the client can't be asked here: it does not accept an event stream; send Accept: text/event-stream{}",
            instead.unwrap_or_default()
        )));
    }
    let (answers, held) = {
        let _paused = context.pause();
        let held = context.release();
        let asked = requests.into_iter().map(|(key, request)| async move {
            ask_one(context, session, request).await.map(|answer| (key, answer))
        });
        (try_join_all(asked).await, held)
    };
    if held {
        // The person has thought; waiting in line again is on the call's own time. What the line says is what the call is
        // told: a busy server is no defect of the handler.
        context.core.gate().admit(context).await.map_err(ToolError::from_error)?;
    }
    Ok(answers?.into_iter().collect())
}

async fn ask_one(
    context: &Context,
    session: &Arc<Session>,
    request: Request,
) -> Result<Value, ToolError> {
    let Some((pending, answer)) = session.ask() else {
        return Err(ToolError::unavailable(
            "this client has too many unanswered questions; answer some first",
        ));
    };
    let message = json!({"jsonrpc": "2.0", "id": pending.id, "method": request.method, "params": request.params});
    context.outbox.send(Outgoing::Message(Bytes::from(message.to_string()))).await;
    match tokio::time::timeout(Ask::MAX_WAIT, answer).await {
        Ok(Ok(Ok(result))) => Ok(result),
        Ok(Ok(Err(error))) => {
            let text = error["message"]
                .as_str()
                .unwrap_or("no reason given")
                .chars()
                .take(200)
                .collect::<String>();
            Err(ToolError::unavailable(format!("the client refused the question: {text}")))
        }
        Ok(Err(_)) => Err(ToolError::unavailable("the client went away before it answered")),
        Err(_) => {
            let params = json!({"requestId": pending.id, "reason": "no answer in time"});
            let message =
                json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
            context.outbox.send(Outgoing::Message(Bytes::from(message.to_string()))).await;
            Err(ToolError::timeout("the person did not answer in time; call again when they can"))
        }
    }
}
