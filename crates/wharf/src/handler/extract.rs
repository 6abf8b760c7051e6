//! Extractors: what a handler's parameters can be.

use std::{ops::Deref, sync::Arc};

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{state::Requirements, typed::typed};
use crate::{
    caller::Caller,
    context::{Context, RequestId},
    error::ToolError,
    events::Event,
    meta::Meta,
    protocol::Revision,
    schema::{close_objects, drop_noise},
};

/// One call as its handler's extractors see it.
#[non_exhaustive]
pub struct Invocation {
    pub(crate) context: Context,
    /// The validated arguments: of a tool or prompt, or a template's variables. Taken by [`Args`].
    pub(crate) arguments: Value,
    /// What is being read, for resources.
    pub(crate) uri: Option<Arc<str>>,
    /// The registered MIME type of what is being read.
    pub(crate) mime_type: Option<Arc<str>>,
    /// The states that this handler's extractors declared.
    pub(crate) provided: Option<Arc<Requirements>>,
}

impl std::fmt::Debug for Invocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Arguments stay out of logs.
        f.debug_struct("Invocation").field("context", &self.context).finish_non_exhaustive()
    }
}

impl Invocation {
    /// The arguments as JSON; null once an [`Args`] parameter has taken them.
    pub fn arguments(&self) -> &Value {
        &self.arguments
    }

    /// The text of `arguments` as the client sent it, unchecked and empty where there was none. Its numbers have all the digits
    /// that [`arguments`](Self::arguments), which keeps 64 bits of each, may have lost. What has to be confirmed or done once is
    /// bound to the arguments and not to this text, and kept results are told apart by the arguments.
    pub fn sent_arguments(&self) -> &str {
        std::str::from_utf8(&self.context.binding.arguments).unwrap_or_default()
    }

    /// Who is calling.
    pub fn caller(&self) -> &Caller {
        &self.context.caller
    }

    /// Which request it is.
    pub fn request_id(&self) -> RequestId {
        self.context.request_id
    }

    /// The revision that the client speaks.
    pub fn revision(&self) -> Revision {
        self.context.revision
    }

    /// The request's `_meta`, parsed anew each time.
    pub fn meta(&self) -> Meta {
        self.context.meta.to_meta()
    }

    /// What is being read; empty outside resource handlers.
    pub fn uri(&self) -> &str {
        self.uri.as_deref().unwrap_or_default()
    }

    /// A clone of the server's state of type `T`, if the extractor declared it in [`FromCall::requires`].
    pub fn state<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.provided.as_ref()?.get()
    }
}

/// Something that a handler can take as a parameter.
///
/// Implement it for what several handlers need from a call, so that none of them runs without it. Extractors build on each
/// other: call `from_call` of another type, or ask the [`Invocation`]. Whatever is taken from the server's state is declared
/// in [`requires`](Self::requires), so that a server without it can't be built.
///
/// ```
/// use wharf::{Caller, FromCall, Invocation, Requirements, Server, State, Tool, ToolError};
///
/// /// Who may see which tenant.
/// #[derive(Clone)]
/// struct Tenants(std::sync::Arc<std::collections::HashMap<String, u32>>);
///
/// /// The tenant of whoever calls.
/// struct Tenant(u32);
///
/// impl FromCall for Tenant {
///     fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
///         let State(tenants) = State::<Tenants>::from_call(invocation)?;
///         match tenants.0.get(&*invocation.caller().id) {
///             Some(tenant) => Ok(Self(*tenant)),
///             None => Err(ToolError::permission_denied("you belong to no tenant; ask for an account")),
///         }
///     }
///
///     fn requires(requirements: &mut Requirements) {
///         State::<Tenants>::requires(requirements);
///     }
/// }
///
/// let server = Server::new("invoices", "1.0.0")
///     .state(Tenants(Default::default()))
///     .tool(Tool::new("tenant").handler(|Tenant(number): Tenant| async move { number.to_string() }))
///     .build()?;
/// # Ok::<(), wharf::BuildError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not something that a handler can take",
    note = "take arguments as `Args<T>`, where `T` implements `serde::Deserialize` and `schemars::JsonSchema`",
    note = "an extractor of your own implements `FromCall`"
)]
pub trait FromCall: Sized {
    /// Takes the value out of the call.
    ///
    /// # Errors
    /// Ends the call with that failure; the function never starts.
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError>;

    /// The JSON Schema of the arguments, if this parameter declares them.
    fn input_schema() -> Option<Value> {
        None
    }

    /// Declares what it takes from the server, which is checked when the server is built.
    fn requires(_requirements: &mut Requirements) {}
}

/// The call's arguments as a type; its JSON Schema is what clients are told and what arguments are checked against
/// before the handler runs.
#[derive(Debug, Clone, Copy)]
pub struct Args<T>(pub T);

impl<T> Deref for Args<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + JsonSchema> FromCall for Args<T> {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        // The schema has accepted the arguments by now, so this fails only where the type is stricter than the schema
        // it declares.
        typed(invocation.arguments.take()).map(Self).map_err(|misfit| {
            let place = match &*misfit.pointer {
                "" => "the arguments do".to_owned(),
                pointer => format!("the argument at {pointer} does"),
            };
            ToolError::invalid_input(format!(
                "{place} not fit this tool, for a reason that its input schema does not tell; see its description"
            ))
            .source(misfit)
        })
    }

    fn input_schema() -> Option<Value> {
        Some(derive_schema::<T>(Direction::Input))
    }
}

pub(crate) enum Direction {
    Input,
    Output,
}

/// The schema of `T`, closed against unknown properties for input.
pub(crate) fn derive_schema<T: JsonSchema>(direction: Direction) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.meta_schema = None;
    if matches!(direction, Direction::Output) {
        settings = settings.for_serialize();
    }
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    match direction {
        Direction::Input => close_objects(&mut schema),
        Direction::Output => drop_noise(&mut schema),
    }
    schema
}

impl FromCall for Caller {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        Ok(Caller::clone(&invocation.context.caller))
    }
}

impl FromCall for RequestId {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        Ok(invocation.context.request_id)
    }
}

impl FromCall for Meta {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        Ok(invocation.context.meta.to_meta())
    }
}

/// The URI that is being read; empty outside resource handlers.
#[derive(Debug, Clone)]
pub struct Uri(pub Arc<str>);

impl Deref for Uri {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl FromCall for Uri {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        Ok(Self(invocation.uri.clone().unwrap_or_else(|| Arc::from(""))))
    }
}

/// Tells work that outlives an await, such as a blocking thread, that nobody waits for it any more. A handler that only
/// awaits needs none: it is dropped.
#[derive(Debug, Clone)]
pub struct Cancel(Context);

impl Cancel {
    /// Whether the call was cancelled, timed out or lost its client.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancel.is_cancelled()
    }

    /// Resolves once cancelled. Cancel-safe.
    pub async fn cancelled(&self) {
        self.0.cancel.cancelled().await;
    }
}

impl FromCall for Cancel {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        Ok(Self(Context::clone(&invocation.context)))
    }
}

/// What the client says it is. A hint for statistics; servers should not act on it (specification, basic/index).
#[derive(Debug, Clone, Default)]
pub struct ClientInfo(pub Option<Value>);

impl FromCall for ClientInfo {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        let context = &invocation.context;
        let raw = match &context.peer {
            crate::peer::Peer::Legacy(session) => Some(&session.client_info),
            _ => context.meta.client_info.as_ref(),
        };
        Ok(Self(raw.and_then(|raw| serde_json::from_slice(raw).ok())))
    }
}

/// Tells every interested client that something changed.
#[derive(Debug, Clone)]
pub struct Events(Context);

impl Events {
    /// The list of tools changed.
    pub fn tools_changed(&self) {
        self.0.core.publish(Event::ToolsChanged);
    }

    /// The list of prompts changed.
    pub fn prompts_changed(&self) {
        self.0.core.publish(Event::PromptsChanged);
    }

    /// The list of resources or templates changed.
    pub fn resources_changed(&self) {
        self.0.core.publish(Event::ResourcesChanged);
    }

    /// The contents of one resource changed.
    pub fn resource_updated(&self, uri: impl Into<Arc<str>>) {
        self.0.core.publish(Event::ResourceUpdated { uri: uri.into() });
    }
}

impl FromCall for Events {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        Ok(Self(Context::clone(&invocation.context)))
    }
}
