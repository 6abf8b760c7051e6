//! Asking the person or the model behind the client, the same way in both eras.
//!
//! On 2026-07-28 a question is a result: the handler stops with `input_required`, and when the client calls again with the
//! answers it runs again from its first line, with every answer so far carried in the sealed request state (patterns/mrtr).
//! On a legacy session a question is a request to the client, and the handler waits in place. A handler is written once:
//! it asks, and everything before its last question must be harmless to repeat.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use futures_util::future::try_join_all;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{
    extract::{FromCall, Invocation},
    typed::typed,
};
use crate::{
    context::Context,
    error::{ClientCapability, ToolError},
    outbox::Outgoing,
    peer::Peer,
    protocol::RpcError,
    schema::InputSchema,
    session::Session,
};

/// Most bytes of answers that one call may carry in its sealed state.
pub(crate) const MAX_ANSWERS_BYTES: usize = 64 * 1024;

/// What a call has been told and still wants to know (2026-07-28).
#[derive(Debug, Default)]
pub(crate) struct AskState {
    /// Answers by question key: those sealed in the state, and this round's.
    pub(crate) answers: BTreeMap<String, Value>,
    /// The keys that the handler has read: only these are carried on.
    pub(crate) used: Vec<String>,
    /// What to ask next.
    pub(crate) pending: BTreeMap<String, Question>,
    /// Names the chain of rounds; the same in each of them.
    pub(crate) flow: Option<String>,
}

/// One question in the wire form that both eras share.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) method: &'static str,
    pub(crate) params: Value,
    capability: ClientCapability,
}

/// A form for the person behind the client: a message and a flat object schema of primitive properties
/// (specification, client/elicitation).
#[derive(Debug, Clone)]
pub struct Form {
    message: String,
    schema: Value,
}

impl Form {
    /// A form that asks for what `schema` describes. Never ask for secrets this way; use [`Ask::url`].
    pub fn new(message: impl Into<String>, schema: Value) -> Self {
        Self { message: message.into(), schema }
    }
}

/// What the person did.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// Filled the form in; checked against its schema.
    Accepted(Map<String, Value>),
    /// Said no.
    Declined,
    /// Closed the question.
    Cancelled,
}

impl Answer {
    /// The filled-in form as a type; a refusal by the person becomes a failure that says so.
    ///
    /// # Errors
    /// INVALID_INPUT when the person declined or closed the question, or the form does not fit `T`.
    pub fn accept<T: DeserializeOwned>(self) -> Result<T, ToolError> {
        match self {
            Self::Accepted(content) => typed(Value::Object(content)).map_err(|misfit| {
                ToolError::invalid_input("the answer does not have the fields that were asked for")
                    .source(misfit)
            }),
            Self::Declined => {
                Err(ToolError::invalid_input("the person declined to answer; nothing was done"))
            }
            Self::Cancelled => {
                Err(ToolError::invalid_input("the person closed the question; nothing was done"))
            }
        }
    }
}

/// Asks the client's person or model.
#[derive(Debug, Clone)]
pub struct Ask(Context);

impl FromCall for Ask {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        Ok(Self(Context::clone(&invocation.context)))
    }
}

impl Ask {
    /// Longest wait for an answer on a legacy session; the call's own deadline stands still meanwhile.
    pub const MAX_WAIT: Duration = Duration::from_secs(10 * 60);

    /// Whether the client declared that it can be asked this way.
    pub fn supports(&self, capability: ClientCapability) -> bool {
        self.0.peer.supports(capability)
    }

    /// Shows a form. `key` names the question within this call and must be the same each time the handler runs.
    ///
    /// # Errors
    /// When the client can't show forms, does not answer in time, or answers with something else than an answer.
    pub async fn form(&self, key: &str, form: Form) -> Result<Answer, ToolError> {
        self.round().form(key, form).send().await?.answer(key)
    }

    /// Asks the person to open `url`, for secrets and third-party consent. The URL must hold no user data and nothing
    /// that authenticates (specification, client/elicitation).
    ///
    /// # Errors
    /// As [`Ask::form`].
    pub async fn url(&self, key: &str, message: &str, url: &str) -> Result<Answer, ToolError> {
        let mut params = json!({"mode": "url", "message": message, "url": url});
        if matches!(self.0.peer, Peer::Legacy(_)) {
            // 2025-11-25 wants an id of the elicitation; 2026-07-28 removed it.
            params["elicitationId"] = format!("{}-{key}", self.0.request_id).into();
        }
        let question = Question {
            method: "elicitation/create",
            params,
            capability: ClientCapability::ElicitationUrl,
        };
        self.round().question(key, question, None).send().await?.answer(key)
    }

    /// Lets the client's model generate: `params` are those of `sampling/createMessage`.
    ///
    /// # Errors
    /// As [`Ask::form`].
    pub async fn sample(&self, key: &str, params: Value) -> Result<Value, ToolError> {
        self.round().sample(key, params).send().await?.value(key)
    }

    /// The client's roots.
    ///
    /// # Errors
    /// As [`Ask::form`].
    pub async fn roots(&self, key: &str) -> Result<Value, ToolError> {
        self.round().roots(key).send().await?.value(key)
    }

    /// Several questions at once.
    pub fn round(&self) -> Round {
        Round { context: Context::clone(&self.0), questions: Vec::new() }
    }
}

/// Several questions that are asked at once.
#[derive(Debug)]
#[must_use = "nothing is asked until `send`"]
pub struct Round {
    context: Context,
    questions: Vec<(String, Question, Option<Value>)>,
}

impl Round {
    /// Adds a form.
    pub fn form(self, key: &str, form: Form) -> Self {
        let params = match &self.context.peer {
            // `mode` came with 2025-11-25; older clients know forms only.
            Peer::Legacy(session) if session.revision < crate::protocol::Revision::V2025_11_25 => {
                json!({"message": form.message, "requestedSchema": form.schema})
            }
            _ => json!({"mode": "form", "message": form.message, "requestedSchema": form.schema}),
        };
        let question = Question {
            method: "elicitation/create",
            params,
            capability: ClientCapability::ElicitationForm,
        };
        self.question(key, question, Some(form.schema))
    }

    /// Adds a request to the client's model.
    pub fn sample(self, key: &str, params: Value) -> Self {
        let capability = ClientCapability::Sampling;
        self.question(key, Question { method: "sampling/createMessage", params, capability }, None)
    }

    /// Adds a request for the client's roots.
    pub fn roots(self, key: &str) -> Self {
        let capability = ClientCapability::Roots;
        self.question(key, Question { method: "roots/list", params: json!({}), capability }, None)
    }

    fn question(mut self, key: &str, question: Question, schema: Option<Value>) -> Self {
        self.questions.push((key.to_owned(), question, schema));
        self
    }

    /// Asks, and gives the answers once all are there.
    ///
    /// # Errors
    /// As [`Ask::form`]. On 2026-07-28 the error that says "not answered yet" must be passed on with `?`; it is what
    /// ends this round.
    pub async fn send(self) -> Result<Answers, ToolError> {
        for (_, question, _) in &self.questions {
            if !self.context.peer.supports(question.capability) {
                return Err(ToolError::missing_capability(question.capability));
            }
        }
        let Self { context, questions } = self;
        let schemas: BTreeMap<_, _> =
            questions.iter().map(|(key, _, schema)| (key.clone(), schema.clone())).collect();
        let answers = match &context.peer {
            Peer::Legacy(session) => ask_session(&context, session, questions).await?,
            _ => answers_of_this_round(&context, questions)?,
        };
        for (key, answer) in &answers {
            check_answer(answer, schemas.get(key).and_then(Option::as_ref))?;
        }
        Ok(Answers(answers))
    }
}

/// The answers of one round.
#[derive(Debug, Clone)]
pub struct Answers(BTreeMap<String, Value>);

impl Answers {
    /// What the client sent for `key`: an elicitation, sampling or roots result.
    ///
    /// # Errors
    /// When nothing of that key was asked.
    pub fn value(&self, key: &str) -> Result<Value, ToolError> {
        self.0
            .get(key)
            .cloned()
            .ok_or_else(|| ToolError::internal(format!("no question has the key {key:?}")))
    }

    /// What the person did about the form or URL `key`.
    ///
    /// # Errors
    /// When nothing of that key was asked.
    pub fn answer(&self, key: &str) -> Result<Answer, ToolError> {
        let value = self.value(key)?;
        Ok(match value["action"].as_str() {
            Some("accept") => {
                Answer::Accepted(value["content"].as_object().cloned().unwrap_or_default())
            }
            Some("decline") => Answer::Declined,
            _ => Answer::Cancelled,
        })
    }
}

/// 2026-07-28: the answers are in the request, or the call ends with the questions.
fn answers_of_this_round(
    context: &Context,
    questions: Vec<(String, Question, Option<Value>)>,
) -> Result<BTreeMap<String, Value>, ToolError> {
    let mut state = context.ask();
    let mut answers = BTreeMap::new();
    for (key, question, _) in questions {
        match state.answers.get(&key).cloned() {
            Some(answer) => {
                if !state.used.contains(&key) {
                    state.used.push(key.clone());
                }
                answers.insert(key, answer);
            }
            None => {
                state.pending.insert(key, question);
            }
        }
    }
    if state.pending.is_empty() { Ok(answers) } else { Err(ToolError::suspended()) }
}

/// Legacy: one request to the client per question. The deadline stands still and the concurrency permit is given back
/// while a person thinks; the permit is taken again before the handler goes on.
async fn ask_session(
    context: &Context,
    session: &std::sync::Arc<Session>,
    questions: Vec<(String, Question, Option<Value>)>,
) -> Result<BTreeMap<String, Value>, ToolError> {
    if !context.outbox.is_open() {
        return Err(ToolError::unavailable(
            "the client can't be asked here: it does not accept an event stream; send Accept: text/event-stream",
        ));
    }
    let answers = {
        let _paused = context.pause();
        let held = context.release();
        let asked = questions.into_iter().map(|(key, question, _)| async move {
            ask_one(context, session, question).await.map(|answer| (key, answer))
        });
        let answers = try_join_all(asked).await;
        if held {
            context
                .core
                .gate()
                .admit(context)
                .await
                .map_err(|error| ToolError::internal(error.to_string()))?;
        }
        answers?
    };
    Ok(answers.into_iter().collect())
}

async fn ask_one(
    context: &Context,
    session: &std::sync::Arc<Session>,
    question: Question,
) -> Result<Value, ToolError> {
    let Some((pending, answer)) = session.ask() else {
        return Err(ToolError::unavailable(
            "this client has too many unanswered questions; answer some first",
        ));
    };
    let message = json!({"jsonrpc": "2.0", "id": pending.id, "method": question.method, "params": question.params});
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

/// Refuses an answer that is none: whoever sends garbage instead of a form is told so, and the handler does not run on.
fn check_answer(answer: &Value, schema: Option<&Value>) -> Result<(), ToolError> {
    let malformed = |what: String| ToolError::rpc(RpcError::invalid_params(what));
    if !answer.is_object() {
        return Err(malformed("an answer must be an object".to_owned()));
    }
    let Some(schema) = schema else { return Ok(()) };
    match answer["action"].as_str() {
        Some("decline" | "cancel") => Ok(()),
        Some("accept") => {
            let compiled = InputSchema::compile(schema)
                .map_err(|error| ToolError::internal(error.to_string()))?;
            let mut content = answer["content"].clone();
            compiled
                .check(&mut content)
                .map_err(|refusals| malformed(format!("the answer does not fit: {refusals}")))
        }
        _ => Err(malformed("the answer's \"action\" must be accept, decline or cancel".to_owned())),
    }
}
