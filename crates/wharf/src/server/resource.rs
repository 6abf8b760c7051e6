//! Registering resources and resource templates.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{completer::Completer, item::IntoItem};
use crate::{
    cache::CacheHint,
    content::{Annotations, Icon, ResourceContents},
    handler::{
        BoxHandler, Handler, IntoCompletion, IntoResource, Requirements, boxed, input_schema_of,
        requirements_of, resource_result,
    },
    meta::Meta,
};

/// A resource, or a family of them behind a URI template.
#[derive(Clone)]
#[non_exhaustive]
pub struct Resource {
    pub(crate) spec: ResourceBuilder,
    pub(crate) handler: BoxHandler<Vec<ResourceContents>>,
}

impl std::fmt::Debug for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resource").field("uri", &self.spec.uri).finish_non_exhaustive()
    }
}

/// A resource without its handler. Ends with [`ResourceBuilder::handler`].
#[derive(Clone)]
#[must_use = "a resource needs a handler"]
pub struct ResourceBuilder {
    /// The URI, or the template.
    pub(crate) uri: Arc<str>,
    pub(crate) is_template: bool,
    pub(crate) name: Arc<str>,
    title: Option<String>,
    description: Option<String>,
    pub(crate) mime_type: Option<Arc<str>>,
    size: Option<u64>,
    annotations: Option<Annotations>,
    icons: Vec<Icon>,
    meta: Meta,
    pub(crate) cache: CacheHint,
    pub(crate) timeout: Option<Duration>,
    pub(crate) scopes: Vec<String>,
    pub(crate) variables_schema: Option<Value>,
    pub(crate) completers: HashMap<String, Completer>,
    pub(crate) requirements: Requirements,
}

impl Resource {
    /// Starts a resource at `uri` called `name`.
    #[expect(clippy::new_ret_no_self, reason = "a resource exists once it has a handler")]
    pub fn new(uri: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> ResourceBuilder {
        ResourceBuilder {
            uri: uri.into(),
            is_template: false,
            name: name.into(),
            title: None,
            description: None,
            mime_type: None,
            size: None,
            annotations: None,
            icons: Vec::new(),
            meta: Meta::new(),
            cache: CacheHint::NONE,
            timeout: None,
            scopes: Vec::new(),
            variables_schema: None,
            completers: HashMap::new(),
            requirements: Requirements::default(),
        }
    }

    /// Starts a family of resources behind an RFC 6570 template (levels 1 to 3), such as `greeting://{name}`. The handler
    /// takes the variables as `Args<T>`; percent-decoding has been done, so a value may hold any character: treat it as
    /// foreign input. `{name}` also stands for a list, `a,b`; [`Uri`](crate::Uri) tells its commas from encoded ones.
    pub fn template(template: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> ResourceBuilder {
        ResourceBuilder { is_template: true, ..Self::new(template, name) }
    }

    /// The resource that a function under `#[resource]` is.
    pub fn of<M>(function: impl IntoItem<Resource, M>) -> Self {
        function.into_item()
    }

    /// Changes what was said about a finished resource, such as one of `#[resource]`; see [`Tool::configure`](crate::Tool::configure).
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(ResourceBuilder) -> ResourceBuilder) -> Self {
        self.spec = change(self.spec);
        self
    }
}

impl std::fmt::Debug for ResourceBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResourceBuilder").field("uri", &self.uri).finish_non_exhaustive()
    }
}

impl ResourceBuilder {
    /// The name for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// What it holds.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// The MIME type of its contents, where all have the same.
    pub fn mime_type(mut self, mime_type: impl Into<Arc<str>>) -> Self {
        self.mime_type = Some(mime_type.into());
        self
    }

    /// Its size in bytes.
    pub fn size_bytes(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }

    /// Hints for the client.
    pub fn annotate(mut self, annotations: Annotations) -> Self {
        self.annotations = Some(annotations);
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

    /// How long a client may keep the contents.
    pub fn cache(mut self, cache: CacheHint) -> Self {
        self.cache = cache;
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

    /// Longest time that one read may take, in place of the server's.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Suggests values for a template's variable.
    pub fn complete<M, H>(mut self, variable: impl Into<String>, completer: H) -> Self
    where
        H: Handler<M>,
        H::Response: IntoCompletion,
    {
        self.completers.insert(variable.into(), Completer::new(completer));
        self
    }

    /// Gives the resource its function.
    pub fn handler<M, H>(mut self, handler: H) -> Resource
    where
        H: Handler<M>,
        H::Response: IntoResource,
    {
        self.variables_schema = input_schema_of::<M, H>(&handler);
        self.requirements = requirements_of::<M, H>(&handler);
        Resource { spec: self, handler: boxed(handler, resource_result) }
    }

    pub(crate) fn definition(&self) -> Value {
        let address = if self.is_template { "uriTemplate" } else { "uri" };
        let mut resource = json!({address: self.uri, "name": self.name});
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                resource[key] = value;
            }
        };
        set("title", self.title.clone().map(Value::from));
        set("description", self.description.clone().map(Value::from));
        set("mimeType", self.mime_type.as_deref().map(Value::from));
        set("size", self.size.filter(|_| !self.is_template).map(Value::from));
        set("annotations", self.annotations.as_ref().map(|annotations| json!(annotations)));
        set("icons", (!self.icons.is_empty()).then(|| json!(self.icons)));
        set("_meta", (!self.meta.is_empty()).then(|| json!(self.meta)));
        resource
    }
}
