//! What a client can ask of a server.

use std::collections::HashMap;

use rmcp::model::{
    ArgumentInfo, CallToolRequestParams, CallToolResponse, CompleteRequestParams,
    CompletionContext, ErrorData, GetPromptRequestParams, GetPromptResponse, InputRequiredResult,
    InputResponses, ReadResourceRequestParams, ReadResourceResponse, Reference, RequestMetaObject,
    SubscriptionFilter,
};
use rmcp::service::ServiceError;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{connection::Client, outcome::CallOutcome, script::Question};

/// Most rounds of questions that one call may take.
const MAX_ROUNDS: usize = 16;

/// What a round brings: the answers, and the state that the server gave along with its questions.
type Given = (Option<InputResponses>, Option<String>);

/// How a round ended.
enum Round {
    Complete(Value),
    Asked(InputRequiredResult),
}

/// The changes that a client wants to hear of.
#[derive(Debug, Clone, Default)]
#[must_use = "nothing is listened for until it is given to `Client::listen`"]
pub struct Changes {
    uris: Vec<String>,
}

impl Changes {
    /// Changes of the lists of tools, prompts and resources.
    pub fn lists() -> Self {
        Self::default()
    }

    /// Changes of one resource, too.
    pub fn resource(mut self, uri: impl Into<String>) -> Self {
        self.uris.push(uri.into());
        self
    }
}

fn json(value: impl Serialize) -> Value {
    match serde_json::to_value(value) {
        Ok(value) => value,
        Err(error) => panic!("the answer can't be shown as JSON: {error}"),
    }
}

fn list<T: Serialize>(what: &str, listed: Result<Vec<T>, ErrorData>) -> Vec<Value> {
    match listed {
        Ok(items) => items.into_iter().map(json).collect(),
        Err(error) => panic!("{what} failed: {error}"),
    }
}

#[track_caller]
fn object(what: &str, arguments: Value) -> Map<String, Value> {
    match arguments {
        Value::Object(arguments) => arguments,
        other => {
            panic!("{what}: arguments are an object, not {other}; a transcript can send anything")
        }
    }
}

impl Client {
    /// The tools, all pages of them, as JSON.
    pub async fn list_tools(&self) -> Vec<Value> {
        list("tools/list", self.ask("tools/list", self.running.list_all_tools()).await)
    }

    /// The names of the tools, in the server's order.
    pub async fn tool_names(&self) -> Vec<String> {
        let tools = self.list_tools().await;
        tools.iter().filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect()
    }

    /// The resources, all pages of them, as JSON.
    pub async fn list_resources(&self) -> Vec<Value> {
        list("resources/list", self.ask("resources/list", self.running.list_all_resources()).await)
    }

    /// The resource templates, all pages of them, as JSON.
    pub async fn list_resource_templates(&self) -> Vec<Value> {
        let request = self.running.list_all_resource_templates();
        list("resources/templates/list", self.ask("resources/templates/list", request).await)
    }

    /// The prompts, all pages of them, as JSON.
    pub async fn list_prompts(&self) -> Vec<Value> {
        list("prompts/list", self.ask("prompts/list", self.running.list_all_prompts()).await)
    }

    /// What the server says about itself now (2026-07-28).
    pub async fn discover(&self) -> Value {
        let request = self.running.discover(RequestMetaObject::default());
        match self.ask("server/discover", request).await {
            Ok(result) => json(result),
            Err(error) => panic!("server/discover failed: {error}"),
        }
    }

    /// Calls a tool. Questions on the way are answered from the script.
    ///
    /// # Panics
    /// When the arguments are no object, a question is not scripted, or no answer comes.
    pub async fn call(&self, tool: &str, arguments: Value) -> CallOutcome {
        let what = format!("tools/call {tool}");
        let mut params = CallToolRequestParams::new(tool.to_owned());
        params.arguments = Some(object(&what, arguments));
        params.meta = self.meta();
        self.rounds(what, |given: Given| {
            let mut params = params.clone();
            (params.input_responses, params.request_state) = given;
            async move {
                Ok(match self.running.call_tool_once(params).await? {
                    CallToolResponse::Complete(result) => Round::Complete(json(result)),
                    CallToolResponse::InputRequired(asked) => Round::Asked(asked),
                    _ => return Err(ServiceError::UnexpectedResponse),
                })
            }
        })
        .await
    }

    /// Reads a resource.
    ///
    /// # Panics
    /// As [`Client::call`].
    pub async fn read(&self, uri: &str) -> CallOutcome {
        let mut params = ReadResourceRequestParams::new(uri);
        params.meta = self.meta();
        self.rounds(format!("resources/read {uri}"), |given: Given| {
            let mut params = params.clone();
            (params.input_responses, params.request_state) = given;
            async move {
                Ok(match self.running.read_resource_once(params).await? {
                    ReadResourceResponse::Complete(result) => Round::Complete(json(result)),
                    ReadResourceResponse::InputRequired(asked) => Round::Asked(asked),
                    _ => return Err(ServiceError::UnexpectedResponse),
                })
            }
        })
        .await
    }

    /// Gets a prompt.
    ///
    /// # Panics
    /// As [`Client::call`].
    pub async fn prompt(&self, name: &str, arguments: Value) -> CallOutcome {
        let what = format!("prompts/get {name}");
        let mut params = GetPromptRequestParams::new(name);
        params.arguments = Some(object(&what, arguments));
        params.meta = self.meta();
        self.rounds(what, |given: Given| {
            let mut params = params.clone();
            (params.input_responses, params.request_state) = given;
            async move {
                Ok(match self.running.get_prompt_once(params).await? {
                    GetPromptResponse::Complete(result) => Round::Complete(json(result)),
                    GetPromptResponse::InputRequired(asked) => Round::Asked(asked),
                    _ => return Err(ServiceError::UnexpectedResponse),
                })
            }
        })
        .await
    }

    /// Asks until there is an answer. The SDK could do this by itself, but would not tell the keys of the questions.
    async fn rounds<F: Future<Output = Result<Round, ServiceError>>>(
        &self,
        what: String,
        mut once: impl FnMut(Given) -> F,
    ) -> CallOutcome {
        let mut given = Given::default();
        for _ in 0..MAX_ROUNDS {
            match self.ask(&what, once(given)).await {
                Ok(Round::Complete(result)) => return CallOutcome::new(what, Ok(result)),
                Ok(Round::Asked(asked)) => {
                    given = (self.answers(&what, &asked), asked.request_state);
                }
                Err(error) => return CallOutcome::new(what, Err(json(error))),
            }
        }
        panic!("{what}: the server asked {MAX_ROUNDS} times and still has no answer")
    }

    /// What a prompt's argument could be, given what was typed.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn complete_prompt(&self, prompt: &str, argument: &str, typed: &str) -> Vec<String> {
        self.complete(Reference::for_prompt(prompt), argument, typed, &[]).await
    }

    /// What a template's parameter could be, given what was typed and the parameters before it.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn complete_resource(
        &self,
        template: &str,
        argument: &str,
        typed: &str,
        before: &[(&str, &str)],
    ) -> Vec<String> {
        self.complete(Reference::for_resource(template), argument, typed, before).await
    }

    async fn complete(
        &self,
        reference: Reference,
        argument: &str,
        typed: &str,
        before: &[(&str, &str)],
    ) -> Vec<String> {
        let mut params = CompleteRequestParams::new(reference, ArgumentInfo::new(argument, typed));
        params.meta = self.meta();
        if !before.is_empty() {
            let before: HashMap<_, _> = before
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            params.context = Some(CompletionContext::with_arguments(before));
        }
        match self.ask("completion/complete", self.running.complete(params)).await {
            Ok(result) => result.completion.values,
            Err(error) => panic!("completion/complete failed: {error}"),
        }
    }

    /// Listens for changes until the client is dropped: an open stream since 2026-07-28, subscriptions before. Returns
    /// once the server listens, so that no change after it is missed; what comes is in [`Client::changes`].
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn listen(&self, wanted: Changes) {
        if self.revision.is_modern() {
            let mut filter = SubscriptionFilter::new();
            filter.tools_list_changed = Some(true);
            filter.prompts_list_changed = Some(true);
            filter.resources_list_changed = Some(true);
            if !wanted.uris.is_empty() {
                filter.resource_subscriptions = Some(wanted.uris);
            }
            let mut stream =
                match self.ask("subscriptions/listen", self.running.listen(filter)).await {
                    Ok(stream) => stream,
                    Err(error) => panic!("subscriptions/listen failed: {error}"),
                };
            // The journal has each message already; the stream only must not fall behind.
            self.streams
                .lock()
                .await
                .spawn(async move { while let Ok(Some(_)) = stream.next().await {} });
            return;
        }
        for uri in wanted.uris {
            self.subscribe(uri).await;
        }
    }

    async fn subscribe(&self, uri: String) {
        let params = rmcp::model::SubscribeRequestParams::new(uri);
        #[expect(deprecated, reason = "this is how the legacy revisions do it")]
        let request = self.running.subscribe(params);
        if let Err(error) = self.ask("resources/subscribe", request).await {
            panic!("resources/subscribe failed: {error}");
        }
    }

    /// Before 2026-07-28 the level is a state of the session.
    pub(super) async fn set_legacy_log_level(&self) {
        let (Some(level), false) = (self.level(), self.revision.is_modern()) else { return };
        #[expect(deprecated, reason = "this is how the legacy revisions do it")]
        let request = self.running.set_level(rmcp::model::SetLevelRequestParams::new(level));
        if let Err(error) = self.ask("logging/setLevel", request).await {
            panic!("logging/setLevel failed: {error}");
        }
    }

    #[expect(deprecated, reason = "log messages are deprecated, and servers still have them")]
    fn level(&self) -> Option<rmcp::model::LoggingLevel> {
        let level = self.log_level?;
        serde_json::from_value(level.as_str().into()).ok()
    }

    /// Since 2026-07-28 each request says which log messages it wants.
    fn meta(&self) -> Option<RequestMetaObject> {
        let level = self.level().filter(|_| self.revision.is_modern())?;
        let mut meta = RequestMetaObject::default();
        meta.set_log_level(level);
        Some(meta)
    }

    /// The scripted answers to one round of questions.
    fn answers(&self, what: &str, asked: &InputRequiredResult) -> Option<InputResponses> {
        let requests = asked.input_requests.as_ref()?;
        let mut answers = InputResponses::new();
        for (key, request) in requests {
            let mut request = json(request);
            let question = Question {
                key: Some(key.clone()),
                method: request["method"].as_str().unwrap_or_default().to_owned(),
                params: request["params"].take(),
            };
            match self.script.find(&question) {
                Some(answer) => drop(answers.insert(key.clone(), answer)),
                None => panic!("{what}: {}", self.script.missing()),
            }
        }
        Some(answers)
    }
}
