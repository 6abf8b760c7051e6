//! The sealed request state of 2026-07-28 (patterns/mrtr): what a client carries from one round to the next without being
//! able to read or change it.
//!
//! The seal binds it to the server, the caller, the method, the target, a digest of the arguments and an expiry, so that an answer given
//! for one call can't be replayed into another.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    caller::Caller,
    context::{Binding, CallContext},
    handler::ask::{AskState, Flow, MAX_ANSWERS_BYTES, MAX_RESPONSES, as_ms, now_unix_ms},
    protocol::{RpcError, parse_strict},
    server::core::Core,
};

const PURPOSE: &str = "request-state";
/// The base64 text of the seal's version, key and nonce.
const SEAL_HEAD_CHARS: usize = crate::seal::HEAD_BYTES.div_ceil(3) * 4;

#[derive(Serialize, Deserialize)]
struct Sealed {
    flow: String,
    /// How often the client has come back once it brings this.
    round: u32,
    /// When the flow began, in Unix milliseconds.
    began_ms: u64,
    /// Unix time in milliseconds from which on it is refused.
    expires_ms: u64,
    answers: BTreeMap<String, Value>,
}

/// Opens what the client brought back.
///
/// # Errors
/// -32602 when the state was not made here for this very call, or the answers are malformed.
pub(super) fn open(
    core: &Core,
    caller: &Caller,
    binding: &Binding,
    state: Option<&str>,
    responses: Option<&str>,
) -> Result<AskState, RpcError> {
    let mut ask = AskState::default();
    if let Some(state) = state {
        // One message for every cause: a forger learns nothing.
        let bad = || {
            RpcError::invalid_params(
                "\"requestState\" is not valid for this call or has expired; call again without it",
            )
        };
        let bound_to = bound_to(core, caller, binding);
        let plain = core.sealer.open(PURPOSE, &bound_to, state).map_err(|_| bad())?;
        let sealed: Sealed = serde_json::from_slice(&plain).map_err(|_| bad())?;
        if sealed.expires_ms <= now_unix_ms() {
            return Err(bad());
        }
        ask.flow = Some(Flow::resume(sealed.flow, sealed.round, sealed.began_ms));
        ask.used = sealed.answers.keys().cloned().collect();
        ask.answers = sealed.answers;
    }
    if let Some(responses) = responses {
        let Ok(Value::Object(responses)) = parse_strict(responses) else {
            return Err(RpcError::invalid_params(
                "\"inputResponses\" must be an object of answers by question key",
            ));
        };
        if responses.len() > MAX_RESPONSES {
            return Err(RpcError::invalid_params(format!(
                "\"inputResponses\" has more than {MAX_RESPONSES} answers"
            )));
        }
        for (key, answer) in responses {
            // What was answered in an earlier round stands; a question is never asked twice under one key.
            ask.answers.entry(key).or_insert(answer);
        }
    }
    Ok(ask)
}

/// What tells an opened state from every other one: its head, which holds the random nonce of its seal.
pub(super) fn name_of(state: &str) -> Box<str> {
    state.get(..SEAL_HEAD_CHARS).unwrap_or(state).into()
}

/// The members of an `input_required` result.
pub(super) fn seal(context: &CallContext) -> Result<Value, RpcError> {
    let mut ask = context.ask();
    let answers: BTreeMap<_, _> = std::mem::take(&mut ask.answers);
    let answers: BTreeMap<_, _> =
        answers.into_iter().filter(|(key, _)| ask.used.contains(key)).collect();
    let flow = ask.flow.take().unwrap_or_else(Flow::begin);
    let requests: serde_json::Map<_, _> = std::mem::take(&mut ask.pending)
        .into_iter()
        .map(|(key, question)| (key, json!({"method": question.method, "params": question.params})))
        .collect();
    drop(ask);
    let limits = &context.core.limits;
    let expires_ms = now_unix_ms().saturating_add(as_ms(limits.request_state_ttl));
    let sealed = Sealed {
        // No state outlives its flow: what the flow has recorded is forgotten then, and with it what was done.
        expires_ms: expires_ms.min(flow.ends_ms(limits.flow_lifetime)),
        round: flow.round.saturating_add(1),
        began_ms: flow.began_ms,
        flow: flow.id,
        answers,
    };
    let plain = serde_json::to_vec(&sealed).unwrap_or_default();
    if plain.len() > MAX_ANSWERS_BYTES {
        return Err(RpcError::invalid_params(format!(
            "the answers so far exceed {MAX_ANSWERS_BYTES} bytes; answer more briefly"
        )));
    }
    let bound_to = bound_to(&context.core, &context.caller, &context.binding);
    let state = context.core.sealer.seal(PURPOSE, &bound_to, &plain);
    Ok(json!({"inputRequests": requests, "requestState": state}))
}

fn bound_to(core: &Core, caller: &Caller, binding: &Binding) -> Vec<u8> {
    // The digest is over the canonical form: key order and spacing are the client's to change, values are not.
    let arguments =
        std::str::from_utf8(&binding.arguments).ok().and_then(|text| parse_strict(text).ok());
    let digest = Sha256::digest(arguments.unwrap_or_default().to_string());
    let mut bound = Vec::new();
    let (server, caller) = (core.name().as_bytes(), caller.id.as_bytes());
    for part in [server, caller, binding.method.as_bytes(), &binding.target, &digest] {
        bound.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bound.extend_from_slice(part);
    }
    bound
}
