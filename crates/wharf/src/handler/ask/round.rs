//! Several questions at once, and how they reach a client of either era.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::{
    answer::Answers,
    form::{Form, FormError},
    legacy::ask_session,
    state::{MAX_RESPONSES, Request},
};
use crate::{
    capability::ClientCapability,
    context::Context,
    error::ToolError,
    peer::Peer,
    protocol::{Revision, RpcError},
    schema::InputSchema,
};

/// Several questions that are asked at once.
///
/// ```
/// # use wharf::{Ask, ToolError};
/// # #[derive(serde::Deserialize, schemars::JsonSchema)]
/// # struct Name { name: String }
/// # async fn ask_it(ask: Ask) -> Result<(), ToolError> {
/// let answers = ask
///     .round()
///     .form::<Name>("who", "What is your name?")
///     .confirm("news", "Do you want our news?")
///     .send()
///     .await?;
/// let Name { name } = answers.form("who")?.accept()?;
/// let wants_news = answers.confirmation("news")?.is_yes();
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is asked until `send`"]
pub struct Round {
    context: Context,
    asked: Vec<Asked>,
    /// What the author got wrong first.
    defect: Option<ToolError>,
}

/// One question of a round.
pub(super) struct Asked {
    pub(super) key: String,
    pub(super) request: Request,
    capability: ClientCapability,
    expects: Expects,
    /// The argument that would make it unnecessary.
    argument: Option<Cow<'static, str>>,
}

/// What an answer must be.
enum Expects {
    /// An object.
    Result,
    /// What a person did.
    Action,
    /// What a person did, and if they filled a form in, one of this schema.
    Form(Value),
}

impl fmt::Debug for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.asked.iter().map(|asked| &asked.key).collect();
        f.debug_struct("Round").field("keys", &keys).finish_non_exhaustive()
    }
}

impl Round {
    pub(super) fn new(context: Context) -> Self {
        Self { context, asked: Vec::new(), defect: None }
    }

    /// Adds a form with the fields of `T`; see [`Ask::form`](super::Ask::form).
    pub fn form<T: JsonSchema>(self, key: &str, message: impl Into<String>) -> Self {
        let form = Form::of::<T>(message);
        self.add_form(key, form)
    }

    /// Adds a form that is described by a schema.
    pub fn form_with(self, key: &str, form: Form) -> Self {
        self.add_form(key, Ok(form))
    }

    /// Adds a choice; see [`Ask::choose`](super::Ask::choose).
    pub fn choose(self, key: &str, message: impl Into<String>, choices: &[(&str, &str)]) -> Self {
        let form = Form::choice(message, choices);
        self.add_form(key, form)
    }

    /// Adds a yes or no; see [`Ask::confirm`](super::Ask::confirm).
    pub fn confirm(self, key: &str, message: impl Into<String>) -> Self {
        self.add_form(key, Ok(Form::confirmation(message)))
    }

    /// Adds a URL to open; see [`Ask::url`](super::Ask::url).
    pub fn url(self, key: &str, message: &str, url: &str) -> Self {
        let mut params = json!({"mode": "url", "message": message, "url": url});
        if matches!(self.context.peer, Peer::Legacy(_)) {
            // 2025-11-25 wants an id of the elicitation; 2026-07-28 removed it.
            params["elicitationId"] = format!("{}-{key}", self.context.request_id).into();
        }
        self.add(key, "elicitation/create", params, ClientCapability::ElicitationUrl)
    }

    /// Adds a request to the client's model.
    pub fn sample(self, key: &str, params: Value) -> Self {
        self.add(key, "sampling/createMessage", params, ClientCapability::Sampling)
    }

    /// Adds a request for the client's roots.
    pub fn roots(self, key: &str) -> Self {
        self.add(key, "roots/list", json!({}), ClientCapability::Roots)
    }

    /// Names the argument that makes the question added last unnecessary; see
    /// [`Question::or_argument`](super::Question::or_argument).
    pub fn or_argument(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        if let Some(last) = self.asked.last_mut() {
            last.argument = Some(name.into());
        }
        self
    }

    fn add_form(mut self, key: &str, form: Result<Form, FormError>) -> Self {
        // `mode` and choices with titles came with 2025-11-25; older clients know forms only.
        let is_old = matches!(
            &self.context.peer,
            Peer::Legacy(session) if session.revision < Revision::V2025_11_25
        );
        let form = form.map_err(ToolError::from);
        match form.and_then(|form| if is_old { form.for_older_client() } else { Ok(form) }) {
            Ok(Form { message, schema, .. }) => {
                let mut params = json!({"message": message, "requestedSchema": schema});
                if !is_old {
                    params["mode"] = "form".into();
                }
                let capability = ClientCapability::ElicitationForm;
                let mut this = self.add(key, "elicitation/create", params, capability);
                if let Some(added) = this.asked.last_mut() {
                    added.expects = Expects::Form(schema);
                }
                this
            }
            Err(defect) => {
                self.defect.get_or_insert(defect);
                self
            }
        }
    }

    fn add(
        mut self,
        key: &str,
        method: &'static str,
        params: Value,
        capability: ClientCapability,
    ) -> Self {
        let expects = match capability {
            ClientCapability::Sampling | ClientCapability::Roots => Expects::Result,
            _ => Expects::Action,
        };
        let (key, request) = (key.to_owned(), Request { method, params });
        self.asked.push(Asked { key, request, capability, expects, argument: None });
        self
    }

    /// Asks, and gives the answers once all are there.
    ///
    /// # Errors
    /// As [`Ask::form`](super::Ask::form). On 2026-07-28 the error that says "not answered yet" must be passed on with `?`;
    /// it is what ends this round.
    pub async fn send(self) -> Result<Answers, ToolError> {
        let Self { context, asked, defect } = self;
        if let Some(defect) = defect {
            return Err(defect);
        }
        check_keys(&asked)?;
        for Asked { capability, argument, .. } in &asked {
            if !context.peer.supports(*capability) {
                return Err(ToolError::missing_capability(*capability, argument.clone()));
            }
        }
        let mut expected = BTreeMap::new();
        let mut requests = Vec::with_capacity(asked.len());
        let argument = asked.iter().find_map(|asked| asked.argument.clone());
        for Asked { key, request, expects, .. } in asked {
            expected.insert(key.clone(), expects);
            requests.push((key, request));
        }
        let mut answers = match &context.peer {
            Peer::Legacy(session) => {
                ask_session(&context, session, requests, argument.as_deref()).await?
            }
            _ => answers_of_this_round(&context, requests)?,
        };
        for (key, answer) in &mut answers {
            check_answer(answer, expected.get(key).unwrap_or(&Expects::Result))?;
        }
        Ok(Answers(answers))
    }
}

/// Refuses what would lose an answer: keys that are not distinct, and more questions than may be answered at once.
fn check_keys(asked: &[Asked]) -> Result<(), ToolError> {
    if asked.len() > MAX_RESPONSES {
        let text = format!("a round asks more than {MAX_RESPONSES} questions; ask in several");
        return Err(ToolError::internal(text));
    }
    let mut seen = BTreeSet::new();
    match asked.iter().find(|asked| asked.key.is_empty() || !seen.insert(&asked.key)) {
        Some(Asked { key, .. }) => Err(ToolError::internal(format!(
            "the question key {key:?} is empty or used twice in one round"
        ))),
        None => Ok(()),
    }
}

/// 2026-07-28: the answers are in the request, or the call ends with the questions.
fn answers_of_this_round(
    context: &Context,
    requests: Vec<(String, Request)>,
) -> Result<BTreeMap<String, Value>, ToolError> {
    let mut state = context.ask();
    let mut answers = BTreeMap::new();
    for (key, request) in requests {
        match state.answers.get(&key).cloned() {
            Some(answer) => {
                if !state.used.contains(&key) {
                    state.used.push(key.clone());
                }
                answers.insert(key, answer);
            }
            None => {
                state.pending.insert(key, request);
            }
        }
    }
    if state.pending.is_empty() { Ok(answers) } else { Err(ToolError::suspended()) }
}

/// Refuses an answer that is none: whoever sends garbage instead of a form is told so, and the handler does not run on.
fn check_answer(answer: &mut Value, expects: &Expects) -> Result<(), ToolError> {
    let malformed = |what: String| ToolError::rpc(RpcError::invalid_params(what));
    if !answer.is_object() {
        return Err(malformed("an answer must be an object".to_owned()));
    }
    let schema = match expects {
        Expects::Result => return Ok(()),
        Expects::Action => None,
        Expects::Form(schema) => Some(schema),
    };
    match (answer["action"].as_str(), schema) {
        (Some("decline" | "cancel"), _) | (Some("accept"), None) => Ok(()),
        (Some("accept"), Some(schema)) => {
            let compiled = InputSchema::compile(schema)
                .map_err(|error| ToolError::internal(error.to_string()))?;
            // A string is coerced where only something else could be meant, as in arguments.
            compiled
                .check(&mut answer["content"])
                .map_err(|refusals| malformed(format!("the answer does not fit: {refusals}")))
        }
        _ => Err(malformed("the answer's \"action\" must be accept, decline or cancel".to_owned())),
    }
}
