//! Everything that is registered, as an immutable snapshot with its lists prebuilt.

use std::{collections::HashMap, sync::Arc};

use bytes::{BufMut, Bytes};

use super::{
    BuildError,
    entries::{PromptEntry, ResourceEntry, ToolEntry},
    extension::{Extension, ExtensionMethod},
    prompt::Prompt,
    resource::Resource,
    tool::Tool,
};
use crate::{protocol::RpcError, seal::Sealer};

/// What was registered, in order.
#[derive(Default, Clone)]
pub(crate) struct Registrations {
    pub(crate) tools: Vec<Tool>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) extensions: Vec<Extension>,
}

/// The lists that clients page through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListKind {
    Tools,
    Resources,
    Templates,
    Prompts,
}

impl ListKind {
    pub(crate) const fn method(self) -> &'static str {
        match self {
            Self::Tools => "tools/list",
            Self::Resources => "resources/list",
            Self::Templates => "resources/templates/list",
            Self::Prompts => "prompts/list",
        }
    }

    const fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
            Self::Prompts => "prompts",
        }
    }
}

/// A list's items in registration order, and its first page as bytes.
struct List {
    kind: ListKind,
    keys: Vec<Arc<str>>,
    items: Vec<Bytes>,
    first: Bytes,
}

impl List {
    fn new(
        kind: ListKind,
        entries: Vec<(Arc<str>, Bytes)>,
        page_size: usize,
        sealer: &Sealer,
    ) -> Self {
        let (keys, items) = entries.into_iter().unzip();
        let mut list = Self { kind, keys, items, first: Bytes::new() };
        list.first = list.page_from(0, page_size, sealer);
        list
    }

    fn page_from(&self, start: usize, page_size: usize, sealer: &Sealer) -> Bytes {
        let end = start.saturating_add(page_size.max(1)).min(self.items.len());
        let page = &self.items[start..end];
        let mut out =
            Vec::with_capacity(page.iter().map(|item| item.len() + 1).sum::<usize>() + 256);
        out.put_slice(b"\"");
        out.put_slice(self.kind.member().as_bytes());
        out.put_slice(b"\":[");
        for (index, item) in page.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.put_slice(item);
        }
        out.push(b']');
        if end < self.items.len() {
            let cursor =
                sealer.seal("cursor", self.kind.method().as_bytes(), self.keys[end - 1].as_bytes());
            out.put_slice(b",\"nextCursor\":\"");
            out.put_slice(cursor.as_bytes());
            out.push(b'"');
        }
        Bytes::from(out)
    }

    fn page(
        &self,
        cursor: Option<&str>,
        page_size: usize,
        sealer: &Sealer,
    ) -> Result<Bytes, RpcError> {
        let Some(cursor) = cursor else { return Ok(self.first.clone()) };
        // The cursor names the last item that was seen, so a page stays right when items before it come and go.
        let bad = || {
            RpcError::invalid_params("this cursor is not valid here; list again without a cursor")
        };
        let last =
            sealer.open("cursor", self.kind.method().as_bytes(), cursor).map_err(|_| bad())?;
        let seen = self.keys.iter().position(|key| key.as_bytes() == last).ok_or_else(bad)?;
        Ok(self.page_from(seen + 1, page_size, sealer))
    }
}

/// A snapshot of everything registered.
pub(crate) struct Registry {
    tools: HashMap<Arc<str>, Arc<ToolEntry>>,
    resources: HashMap<Arc<str>, Arc<ResourceEntry>>,
    /// Most specific first, so that the winner does not depend on registration order.
    templates: Vec<Arc<ResourceEntry>>,
    prompts: HashMap<Arc<str>, Arc<PromptEntry>>,
    methods: HashMap<Arc<str>, Arc<ExtensionMethod>>,
    modern_tools: List,
    /// Only where it differs from the modern list.
    legacy_tools: Option<List>,
    lists: [List; 3],
    page_size: usize,
}

impl Registry {
    pub(crate) fn build(
        registered: Registrations,
        page_size: usize,
        sealer: &Sealer,
    ) -> Result<Self, BuildError> {
        let mut errors = Vec::new();
        let mut keep =
            |result: Result<_, BuildError>| result.map_err(|error| errors.push(error)).ok();
        let tools: Vec<_> = registered
            .tools
            .into_iter()
            .filter_map(|tool| keep(ToolEntry::compile(tool).map(Arc::new)))
            .collect();
        let mut keep =
            |result: Result<_, BuildError>| result.map_err(|error| errors.push(error)).ok();
        let all: Vec<_> = (registered.resources.into_iter())
            .filter_map(|resource| keep(ResourceEntry::compile(resource).map(Arc::new)))
            .collect();
        let mut keep =
            |result: Result<_, BuildError>| result.map_err(|error| errors.push(error)).ok();
        let prompts: Vec<_> = (registered.prompts.into_iter())
            .filter_map(|prompt| keep(PromptEntry::compile(prompt).map(Arc::new)))
            .collect();
        let mut keep =
            |result: Result<_, BuildError>| result.map_err(|error| errors.push(error)).ok();
        let methods: Vec<_> = registered
            .extensions
            .iter()
            .filter_map(|extension| keep(extension.entries()))
            .flatten()
            .collect();
        let (mut templates, resources): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|entry| entry.template.is_some());

        let list =
            |kind, entries: Vec<(Arc<str>, Bytes)>| List::new(kind, entries, page_size, sealer);
        let modern =
            tools.iter().map(|tool| (tool.name.clone(), tool.definition.clone())).collect();
        let legacy = tools.iter().any(|tool| tool.legacy_definition.is_some()).then(|| {
            let definition = |tool: &ToolEntry| {
                tool.legacy_definition.clone().unwrap_or(tool.definition.clone())
            };
            list(
                ListKind::Tools,
                tools.iter().map(|tool| (tool.name.clone(), definition(tool))).collect(),
            )
        });
        let lists = [
            list(
                ListKind::Resources,
                resources.iter().map(|r| (r.uri.clone(), r.definition.clone())).collect(),
            ),
            list(
                ListKind::Templates,
                templates.iter().map(|t| (t.uri.clone(), t.definition.clone())).collect(),
            ),
            list(
                ListKind::Prompts,
                prompts.iter().map(|p| (p.name.clone(), p.definition.clone())).collect(),
            ),
        ];
        templates.sort_by_cached_key(|entry| {
            std::cmp::Reverse(
                entry.template.as_ref().map(crate::protocol::UriTemplate::specificity),
            )
        });
        let registry = Self {
            modern_tools: list(ListKind::Tools, modern),
            legacy_tools: legacy,
            lists,
            page_size,
            tools: index("tool", tools, |tool| &tool.name, &mut errors),
            resources: index("resource", resources, |resource| &resource.uri, &mut errors),
            prompts: index("prompt", prompts, |prompt| &prompt.name, &mut errors),
            methods: index(
                "method",
                methods.into_iter().map(Arc::new).collect(),
                |method: &ExtensionMethod| &method.name,
                &mut errors,
            ),
            templates,
        };
        match errors.len() {
            0 => Ok(registry),
            1 => Err(errors.remove(0)),
            _ => Err(BuildError::Several(errors)),
        }
    }

    pub(crate) fn tool(&self, name: &str) -> Result<Arc<ToolEntry>, RpcError> {
        self.tools.get(name).cloned().ok_or_else(|| {
            let near = (name.len() <= 128)
                .then(|| {
                    self.tools.keys().min_by_key(|known| strsim::damerau_levenshtein(known, name))
                })
                .flatten()
                .filter(|known| strsim::damerau_levenshtein(known, name) <= 3);
            RpcError::unknown_tool(name, near.map(AsRef::as_ref))
        })
    }

    pub(crate) fn prompt(&self, name: &str) -> Option<Arc<PromptEntry>> {
        self.prompts.get(name).cloned()
    }

    pub(crate) fn method(&self, name: &str) -> Option<Arc<ExtensionMethod>> {
        self.methods.get(name).cloned()
    }

    /// The resource at `uri`, with its template's variables.
    pub(crate) fn resource(&self, uri: &str) -> Option<(Arc<ResourceEntry>, serde_json::Value)> {
        if let Some(entry) = self.resources.get(uri) {
            return Some((Arc::clone(entry), serde_json::Value::Object(serde_json::Map::new())));
        }
        self.templates.iter().find_map(|entry| {
            entry.variables_of(uri).map(|variables| (Arc::clone(entry), variables))
        })
    }

    /// The resource or template registered as exactly `uri`.
    pub(crate) fn resource_by_key(&self, uri: &str) -> Option<Arc<ResourceEntry>> {
        self.resources
            .get(uri)
            .or_else(|| self.templates.iter().find(|entry| &*entry.uri == uri))
            .cloned()
    }

    /// One page of a list: the members of the result object, without braces.
    pub(crate) fn page(
        &self,
        kind: ListKind,
        cursor: Option<&str>,
        modern: bool,
        sealer: &Sealer,
    ) -> Result<Bytes, RpcError> {
        let list = match kind {
            ListKind::Tools if !modern => self.legacy_tools.as_ref().unwrap_or(&self.modern_tools),
            ListKind::Tools => &self.modern_tools,
            ListKind::Resources => &self.lists[0],
            ListKind::Templates => &self.lists[1],
            ListKind::Prompts => &self.lists[2],
        };
        list.page(cursor, self.page_size, sealer)
    }
}

fn index<T>(
    what: &str,
    entries: Vec<Arc<T>>,
    key: impl Fn(&T) -> &Arc<str>,
    errors: &mut Vec<BuildError>,
) -> HashMap<Arc<str>, Arc<T>> {
    let mut map = HashMap::with_capacity(entries.len());
    for entry in entries {
        let name = Arc::clone(key(&entry));
        if map.insert(Arc::clone(&name), entry).is_some() {
            errors.push(BuildError::Duplicate { what: format!("{what} {name:?}") });
        }
    }
    map
}
