//! Registering a prompt.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{completer::Completer, item::IntoItem};
use crate::{
    content::Icon,
    handler::{
        BoxHandler, Handler, IntoCompletion, IntoPrompt, PromptResult, Requirements, boxed,
        input_schema_of, prompt_result, requirements_of,
    },
    meta::Meta,
};

/// A prompt: a conversation starter with arguments.
#[derive(Clone)]
#[non_exhaustive]
pub struct Prompt {
    pub(crate) spec: PromptBuilder,
    pub(crate) handler: BoxHandler<PromptResult>,
}

impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prompt").field("name", &self.spec.name).finish_non_exhaustive()
    }
}

/// A prompt without its handler. Ends with [`PromptBuilder::handler`].
#[derive(Clone)]
#[must_use = "a prompt needs a handler"]
pub struct PromptBuilder {
    pub(crate) name: Arc<str>,
    title: Option<String>,
    pub(crate) description: Option<String>,
    icons: Vec<Icon>,
    meta: Meta,
    pub(crate) timeout: Option<Duration>,
    pub(crate) scopes: Vec<String>,
    pub(crate) arguments_schema: Option<Value>,
    pub(crate) completers: HashMap<String, Completer>,
    pub(crate) requirements: Requirements,
}

impl Prompt {
    /// Starts a prompt called `name`. Its arguments are those of the handler's `Args<T>`: on the wire they are strings,
    /// and become numbers or booleans where `T` has such.
    #[expect(clippy::new_ret_no_self, reason = "a prompt exists once it has a handler")]
    pub fn new(name: impl Into<Arc<str>>) -> PromptBuilder {
        PromptBuilder {
            name: name.into(),
            title: None,
            description: None,
            icons: Vec::new(),
            meta: Meta::new(),
            timeout: None,
            scopes: Vec::new(),
            arguments_schema: None,
            completers: HashMap::new(),
            requirements: Requirements::default(),
        }
    }

    /// The prompt that a function under `#[prompt]` is.
    pub fn of<M>(function: impl IntoItem<Prompt, M>) -> Self {
        function.into_item()
    }

    /// Changes what was said about a finished prompt, such as one of `#[prompt]`; see [`Tool::configure`](crate::Tool::configure).
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(PromptBuilder) -> PromptBuilder) -> Self {
        self.spec = change(self.spec);
        self
    }
}

impl std::fmt::Debug for PromptBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PromptBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}

impl PromptBuilder {
    /// The name for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// What it is for.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds an icon.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }

    /// Metadata for the client.
    pub fn meta(mut self, meta: Meta) -> Self {
        self.meta = meta;
        self
    }

    /// Demands scopes of whoever uses it, such as `issues:write`: all of them, in addition to what lets a caller use it at
    /// all (see [`Grants`](crate::Grants)).
    pub fn scopes<I>(mut self, scopes: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Longest time that it may take, in place of the server's.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Suggests values for an argument.
    pub fn complete<M, H>(mut self, argument: impl Into<String>, completer: H) -> Self
    where
        H: Handler<M>,
        H::Response: IntoCompletion,
    {
        self.completers.insert(argument.into(), Completer::new(completer));
        self
    }

    /// Gives the prompt its function.
    pub fn handler<M, H>(mut self, handler: H) -> Prompt
    where
        H: Handler<M>,
        H::Response: IntoPrompt,
    {
        self.arguments_schema = input_schema_of::<M, H>(&handler);
        self.requirements = requirements_of::<M, H>(&handler);
        Prompt { spec: self, handler: boxed(handler, prompt_result) }
    }

    /// The arguments as the wire lists them, in the schema's order.
    fn arguments(&self) -> Vec<Value> {
        let Some(schema) = &self.arguments_schema else { return Vec::new() };
        let required = |name: &str| {
            schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name))
        };
        let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
        let describe = |(name, property): (&String, &Value)| {
            let mut argument = json!({"name": name, "required": required(name)});
            for key in ["title", "description"] {
                if let Some(text) = property[key].as_str() {
                    argument[key] = text.into();
                }
            }
            argument
        };
        properties.iter().map(describe).collect()
    }

    pub(crate) fn definition(&self) -> Value {
        let mut prompt = json!({"name": self.name});
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                prompt[key] = value;
            }
        };
        set("title", self.title.clone().map(Value::from));
        set("description", self.description.clone().map(Value::from));
        let arguments = self.arguments();
        set("arguments", (!arguments.is_empty()).then(|| arguments.into()));
        set("icons", (!self.icons.is_empty()).then(|| json!(self.icons)));
        set("_meta", (!self.meta.is_empty()).then(|| json!(self.meta)));
        prompt
    }
}
