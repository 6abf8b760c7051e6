//! Everything that clients can reach, as an immutable snapshot with its lists prebuilt. What is hidden is not in it, so no
//! look-up, list or hint can tell it from what was never registered.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;

use super::{
    catalog::{Catalog, Entry, Shelf},
    entries::{PromptEntry, ResourceEntry, ToolEntry},
    extension::ExtensionMethod,
    lists::{Item, List, ListKind, Viewer},
};
use crate::{
    events::Event,
    protocol::{RpcError, UriTemplate},
    scope::{Scope, TargetKind},
    seal::Sealer,
    shared::{Held, Shared},
};

/// The methods of extensions: the one thing that never changes.
pub(super) type Methods = HashMap<Arc<str>, Arc<ExtensionMethod>>;

/// A snapshot of everything that clients can reach.
pub(crate) struct Registry {
    tools: HashMap<Arc<str>, Shared<ToolEntry>>,
    resources: HashMap<Arc<str>, Arc<ResourceEntry>>,
    /// Most specific first, so that the winner does not depend on registration order.
    templates: Vec<Arc<ResourceEntry>>,
    prompts: HashMap<Arc<str>, Arc<PromptEntry>>,
    methods: Arc<Methods>,
    modern_tools: List,
    /// Only where it differs from the modern list.
    legacy_tools: Option<List>,
    resource_list: List,
    template_list: List,
    prompt_list: List,
    page_size: usize,
    /// What it was made of, and the next one will be.
    catalog: Catalog,
}

impl Registry {
    pub(super) fn new(
        catalog: Catalog,
        methods: Arc<Methods>,
        page_size: usize,
        sealer: &Sealer,
    ) -> Self {
        let list = |kind, items| List::new(kind, items, page_size, sealer);
        let is_template = |resource: &ResourceEntry| resource.template.is_some();
        let resource = |resource: &ResourceEntry| resource.definition.clone();
        let legacy = catalog.tools.visible().any(|slot| slot.entry.legacy_definition.is_some());
        let legacy = legacy.then(|| {
            let definition = |tool: &ToolEntry| {
                tool.legacy_definition.as_ref().unwrap_or(&tool.definition).clone()
            };
            list(ListKind::Tools, items(&catalog.tools, |_| true, definition))
        });
        let mut resources = index(&catalog.resources);
        resources.retain(|_, resource| !is_template(resource));
        let templates = catalog.resources.visible().map(|slot| &slot.entry);
        let mut templates: Vec<_> =
            templates.filter(|resource| is_template(resource)).cloned().collect();
        templates.sort_by_cached_key(|entry| {
            std::cmp::Reverse(entry.template.as_ref().map(UriTemplate::specificity))
        });
        Self {
            tools: index(&catalog.tools)
                .into_iter()
                .map(|(key, tool)| (key, Shared::of(tool)))
                .collect(),
            resources,
            templates,
            prompts: index(&catalog.prompts),
            methods,
            modern_tools: list(
                ListKind::Tools,
                items(&catalog.tools, |_| true, |tool| tool.definition.clone()),
            ),
            legacy_tools: legacy,
            resource_list: list(
                ListKind::Resources,
                items(&catalog.resources, |entry| !is_template(entry), resource),
            ),
            template_list: list(
                ListKind::Templates,
                items(&catalog.resources, is_template, resource),
            ),
            prompt_list: list(
                ListKind::Prompts,
                items(&catalog.prompts, |_| true, |prompt| prompt.definition.clone()),
            ),
            page_size,
            catalog,
        }
    }

    pub(super) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(super) fn methods(&self) -> &Arc<Methods> {
        &self.methods
    }

    /// Every item that can be reached: its kind, key, scopes, and whether it is a template.
    pub(super) fn offered(
        &self,
    ) -> impl Iterator<Item = (TargetKind, &Arc<str>, &[Scope], bool)> + '_ {
        let Catalog { tools, resources, prompts } = &self.catalog;
        let tools = tools
            .visible()
            .map(|slot| (TargetKind::Tool, slot.entry.key(), slot.entry.scopes(), false));
        let resources = resources.visible().map(|slot| {
            let is_template = slot.entry.template.is_some();
            (TargetKind::Resource, slot.entry.key(), slot.entry.scopes(), is_template)
        });
        let prompts = prompts
            .visible()
            .map(|slot| (TargetKind::Prompt, slot.entry.key(), slot.entry.scopes(), false));
        tools.chain(resources).chain(prompts)
    }

    /// What a client that has read the lists of `older` has to hear.
    pub(super) fn changes_since(&self, older: &Self) -> Vec<Event> {
        let changed = |ours: &List, theirs: &List| !ours.shows_the_same_as(theirs);
        let resources = changed(&self.resource_list, &older.resource_list)
            || changed(&self.template_list, &older.template_list);
        [
            (changed(&self.modern_tools, &older.modern_tools), Event::ToolsChanged),
            (changed(&self.prompt_list, &older.prompt_list), Event::PromptsChanged),
            (resources, Event::ResourcesChanged),
        ]
        .into_iter()
        .filter_map(|(changed, event)| changed.then_some(event))
        .collect()
    }

    pub(crate) fn tool(&self, name: &str) -> Result<Held<ToolEntry>, RpcError> {
        self.tools.get(name).map(Shared::hold).ok_or_else(|| {
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

    /// Whether `uri` names something hidden and nothing that can be reached.
    pub(super) fn hides(&self, uri: &str) -> bool {
        let mut hidden = self.catalog.resources.hidden().peekable();
        hidden.peek().is_some()
            && self.resource(uri).is_none()
            && hidden.any(|entry| match &entry.template {
                Some(template) => template.matches(uri).is_some(),
                None => &*entry.uri == uri,
            })
    }

    /// One page of a list: the members of the result object, without braces.
    pub(crate) fn page(
        &self,
        kind: ListKind,
        cursor: Option<&str>,
        modern: bool,
        sealer: &Sealer,
        viewer: Viewer<'_>,
    ) -> Result<Bytes, RpcError> {
        let list = match kind {
            ListKind::Tools if !modern => self.legacy_tools.as_ref().unwrap_or(&self.modern_tools),
            ListKind::Tools => &self.modern_tools,
            ListKind::Resources => &self.resource_list,
            ListKind::Templates => &self.template_list,
            ListKind::Prompts => &self.prompt_list,
        };
        list.page(cursor, self.page_size, sealer, viewer)
    }
}

fn index<T: Entry>(shelf: &Shelf<T>) -> HashMap<Arc<str>, Arc<T>> {
    shelf.visible().map(|slot| (Arc::clone(slot.entry.key()), Arc::clone(&slot.entry))).collect()
}

fn items<T: Entry>(
    shelf: &Shelf<T>,
    wanted: impl Fn(&T) -> bool,
    definition: impl Fn(&T) -> Bytes,
) -> Vec<Item> {
    let item = |slot: &super::catalog::Slot<T>| Item {
        key: Arc::clone(slot.entry.key()),
        registration: slot.registration,
        definition: definition(&slot.entry),
        scopes: slot.entry.scopes().into(),
    };
    shelf.visible().filter(|slot| wanted(&slot.entry)).map(item).collect()
}
