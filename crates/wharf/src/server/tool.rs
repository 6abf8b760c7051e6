//! Registering a tool.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

use super::{item::IntoItem, policy::Policy};
use crate::{
    cache_policy::CachePolicy,
    content::Icon,
    handler::{
        BoxHandler, Form, FormError, Handler, IntoToolResult, Requirements, ToolResult, boxed,
        input_schema_of, requirements_of, tool_result,
    },
    meta::Meta,
};

/// A tool: what clients are told about it, and the function that serves it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Tool {
    pub(crate) spec: ToolBuilder,
    pub(crate) handler: BoxHandler<ToolResult>,
}

impl std::fmt::Debug for Tool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tool").field("name", &self.spec.name).finish_non_exhaustive()
    }
}

/// A tool without its handler. Ends with [`ToolBuilder::handler`].
#[derive(Debug, Clone)]
#[must_use = "a tool needs a handler"]
pub struct ToolBuilder {
    pub(crate) name: Arc<str>,
    title: Option<String>,
    description: Option<String>,
    pub(crate) input_schema: Option<Value>,
    pub(crate) output_schema: Option<Value>,
    annotations: Map<String, Value>,
    icons: Vec<Icon>,
    meta: Meta,
    pub(crate) timeout: Option<Duration>,
    pub(crate) header_parameters: Vec<(String, String)>,
    pub(crate) requirements: Requirements,
    pub(crate) scopes: Vec<String>,
    pub(crate) idempotent_by: Option<Arc<str>>,
    pub(crate) cache: Option<CachePolicy>,
    pub(crate) unfit_form: Option<FormError>,
    pub(crate) policy: Policy,
}

impl Tool {
    /// Starts a tool called `name`: 1 to 64 of `A-Z a-z 0-9 _ . - /`.
    ///
    /// ```
    /// use wharf::{Args, Server, Tool};
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Add {
    ///     a: i64,
    ///     b: i64,
    /// }
    ///
    /// let add = Tool::new("add")
    ///     .description("Add two integers")
    ///     .read_only()
    ///     .handler(|Args(Add { a, b }): Args<Add>| async move { (a + b).to_string() });
    /// let server = Server::new("sums", "1.0.0").tool(add).build()?;
    /// # Ok::<(), wharf::BuildError>(())
    /// ```
    #[expect(clippy::new_ret_no_self, reason = "a tool exists once it has a handler")]
    pub fn new(name: impl Into<Arc<str>>) -> ToolBuilder {
        ToolBuilder {
            name: name.into(),
            title: None,
            description: None,
            input_schema: None,
            output_schema: None,
            annotations: Map::new(),
            icons: Vec::new(),
            meta: Meta::new(),
            timeout: None,
            header_parameters: Vec::new(),
            requirements: Requirements::default(),
            scopes: Vec::new(),
            idempotent_by: None,
            cache: None,
            unfit_form: None,
            policy: Policy::default(),
        }
    }

    /// The tool that a function under `#[tool]` is.
    pub fn of<M>(function: impl IntoItem<Tool, M>) -> Self {
        function.into_item()
    }

    /// Changes what was said about a finished tool, such as one of `#[tool]` whose limits are known only at run time.
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use std::time::Duration;
    /// use wharf::{Server, Tool, tool};
    ///
    /// /// Wait for the lift.
    /// #[tool]
    /// async fn wait() {}
    ///
    /// fn server(patience: Duration) -> Server {
    ///     let wait = Tool::of(wait).configure(|tool| tool.timeout(patience));
    ///     Server::new("lift", "1.0.0").tool(wait)
    /// }
    /// # server(Duration::from_secs(1)).build().unwrap();
    /// # }
    /// ```
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(ToolBuilder) -> ToolBuilder) -> Self {
        self.spec = change(self.spec);
        self
    }
}

impl ToolBuilder {
    /// The name for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// What it does, for the model that chooses among tools.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Replaces the input schema that is derived from the handler's [`Args`](crate::Args). JSON Schema 2020-12; the root
    /// must be an object schema.
    pub fn input_schema(mut self, schema: Value) -> Self {
        self.input_schema = Some(schema);
        self
    }

    /// Replaces the output schema that is derived from [`Json`](crate::Json).
    pub fn output_schema(mut self, schema: Value) -> Self {
        self.output_schema = Some(schema);
        self
    }

    /// Hint: changes nothing.
    pub fn read_only(mut self) -> Self {
        self.annotations.insert("readOnlyHint".into(), true.into());
        self
    }

    /// Hint: whether it may destroy something. Clients assume so unless told otherwise.
    pub fn destructive(mut self, destructive: bool) -> Self {
        self.annotations.insert("destructiveHint".into(), destructive.into());
        self
    }

    /// Hint: calling it again with the same arguments changes nothing more.
    pub fn idempotent(mut self) -> Self {
        self.annotations.insert("idempotentHint".into(), true.into());
        self
    }

    /// Hint: whether it reaches systems that others change. Clients assume so unless told otherwise.
    pub fn open_world(mut self, open_world: bool) -> Self {
        self.annotations.insert("openWorldHint".into(), open_world.into());
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

    /// Longest time that one call may take, in place of the server's.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Lets gateways route by the parameter at `pointer` (an RFC 6901 pointer into the arguments, such as `/region`): on
    /// 2026-07-28 clients repeat its value in the header `Mcp-Param-{name}`, and the two must agree
    /// (`x-mcp-header`, server/tools). For strings, integers and booleans that are reached only through `properties`; never
    /// for secrets.
    pub fn header_parameter(mut self, pointer: impl Into<String>, name: impl Into<String>) -> Self {
        self.header_parameters.push((pointer.into(), name.into()));
        self
    }

    /// Calls of one caller with the same value of `parameter` are one call: the tool runs once, and every further call gets
    /// the first one's outcome, for as long as [`Limits::idempotency_ttl`](crate::Limits) says. Other arguments under the
    /// same value are a CONFLICT, and so is a call that was cut off: nobody knows what it did.
    ///
    /// Clients can send a key for any tool, as `_meta["dev.wharf/idempotencyKey"]`, which comes first.
    pub fn idempotent_by(mut self, parameter: impl Into<Arc<str>>) -> Self {
        self.idempotent_by = Some(parameter.into());
        self
    }

    /// Keeps results and gives them again. Only for tools that change nothing.
    pub fn cache(mut self, policy: CachePolicy) -> Self {
        self.cache = Some(policy);
        self
    }

    /// Says that the tool asks for the form `T` ([`Ask::form`](crate::Ask::form)), so that a type that can't be a form is found
    /// when the server is built and not when someone is asked.
    ///
    /// ```
    /// use wharf::{Ask, Server, Tool, ToolError};
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Labels {
    ///     labels: Vec<String>,
    /// }
    ///
    /// let label = Tool::new("label").asks::<Labels>().handler(|ask: Ask| async move {
    ///     let Labels { labels } = ask.form("labels", "Which labels?").await?.accept()?;
    ///     Ok::<_, ToolError>(labels.join(", "))
    /// });
    /// let error = Server::new("notes", "1.0.0").tool(label).build().unwrap_err();
    /// assert!(error.to_string().contains("its field \"labels\": a list of anything but choices can't be shown"));
    /// ```
    pub fn asks<T: schemars::JsonSchema>(mut self) -> Self {
        self.unfit_form = self.unfit_form.or(Form::of::<T>("").err());
        self
    }

    /// Gives the tool its function.
    pub fn handler<M, H>(mut self, handler: H) -> Tool
    where
        H: Handler<M>,
        H::Response: IntoToolResult,
    {
        if self.input_schema.is_none() {
            self.input_schema = input_schema_of::<M, H>(&handler);
        }
        self.requirements = requirements_of::<M, H>(&handler);
        if self.output_schema.is_none() {
            self.output_schema = H::Response::output_schema();
        }
        Tool { spec: self, handler: boxed(handler, tool_result) }
    }

    /// What a client is told. `free_output` keeps an output schema that is not an object schema, which only
    /// 2026-07-28 knows.
    pub(crate) fn definition(&self, free_output: bool) -> Value {
        let mut tool = json!({"name": self.name, "inputSchema": self.input_schema});
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                tool[key] = value;
            }
        };
        set("title", self.title.clone().map(Value::from));
        set("description", self.description.clone().map(Value::from));
        let object = |schema: &&Value| free_output || schema["type"] == "object";
        set("outputSchema", self.output_schema.as_ref().filter(object).cloned());
        set("annotations", (!self.annotations.is_empty()).then(|| self.annotations.clone().into()));
        set("icons", (!self.icons.is_empty()).then(|| json!(self.icons)));
        set("_meta", (!self.meta.is_empty()).then(|| json!(self.meta)));
        tool
    }

    pub(crate) fn has_object_output(&self) -> bool {
        self.output_schema.as_ref().is_none_or(|schema| schema["type"] == "object")
    }
}
