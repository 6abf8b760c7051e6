//! A batch of changes to what a running server offers: collected first, compiled without holding anything up, then applied
//! as a whole or not at all.

use std::sync::Arc;

use super::{
    BuildError,
    catalog::{Added, Catalog, Entry, Shelf},
    entries::{PromptEntry, ResourceEntry, ToolEntry},
    item::IntoItem,
    prompt::Prompt,
    provide::Stateful,
    resource::Resource,
    tool::Tool,
};
use crate::handler::States;

/// One change to one kind of item.
enum Change<T> {
    Add(T),
    Remove(Arc<str>),
    Hide(Arc<str>),
    Show(Arc<str>),
}

enum Step<T, R, P> {
    Tool(Change<T>),
    Resource(Change<R>),
    Prompt(Change<P>),
}

/// Changes to what a server offers, in the order in which they apply: see [`Handle::update`](crate::Handle::update).
///
/// What is hidden is unreachable: it is in no list, and whoever names it is answered as if it had never been registered.
/// It keeps its place and its name, so nothing else can be registered under that name meanwhile. What is removed and added
/// again comes last in its list.
#[derive(Default)]
pub struct Changes(Vec<Step<Tool, Resource, Prompt>>);

impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes").field("steps", &self.0.len()).finish_non_exhaustive()
    }
}

impl Changes {
    /// Adds a tool, at the end of the list.
    pub fn add_tool<M>(&mut self, tool: impl IntoItem<Tool, M>) {
        self.push(Step::Tool(Change::Add(tool.into_item())));
    }

    /// Removes the tool called `name`. Calls that run already finish.
    pub fn remove_tool(&mut self, name: impl Into<Arc<str>>) {
        self.push(Step::Tool(Change::Remove(name.into())));
    }

    /// Makes the tool called `name` unreachable.
    pub fn hide_tool(&mut self, name: impl Into<Arc<str>>) {
        self.push(Step::Tool(Change::Hide(name.into())));
    }

    /// Makes the tool called `name` reachable again.
    pub fn show_tool(&mut self, name: impl Into<Arc<str>>) {
        self.push(Step::Tool(Change::Show(name.into())));
    }

    /// Adds a resource or a template, at the end of the list.
    pub fn add_resource<M>(&mut self, resource: impl IntoItem<Resource, M>) {
        self.push(Step::Resource(Change::Add(resource.into_item())));
    }

    /// Removes the resource or the template registered as exactly `uri`. Reads that run already finish.
    pub fn remove_resource(&mut self, uri: impl Into<Arc<str>>) {
        self.push(Step::Resource(Change::Remove(uri.into())));
    }

    /// Makes the resource or the template registered as exactly `uri` unreachable. A template that matches the URI of a
    /// hidden resource serves it, as it would if there were no such resource.
    pub fn hide_resource(&mut self, uri: impl Into<Arc<str>>) {
        self.push(Step::Resource(Change::Hide(uri.into())));
    }

    /// Makes the resource or the template registered as exactly `uri` reachable again.
    pub fn show_resource(&mut self, uri: impl Into<Arc<str>>) {
        self.push(Step::Resource(Change::Show(uri.into())));
    }

    /// Adds a prompt, at the end of the list.
    pub fn add_prompt<M>(&mut self, prompt: impl IntoItem<Prompt, M>) {
        self.push(Step::Prompt(Change::Add(prompt.into_item())));
    }

    /// Removes the prompt called `name`.
    pub fn remove_prompt(&mut self, name: impl Into<Arc<str>>) {
        self.push(Step::Prompt(Change::Remove(name.into())));
    }

    /// Makes the prompt called `name` unreachable.
    pub fn hide_prompt(&mut self, name: impl Into<Arc<str>>) {
        self.push(Step::Prompt(Change::Hide(name.into())));
    }

    /// Makes the prompt called `name` reachable again.
    pub fn show_prompt(&mut self, name: impl Into<Arc<str>>) {
        self.push(Step::Prompt(Change::Show(name.into())));
    }

    fn push(&mut self, step: Step<Tool, Resource, Prompt>) {
        self.0.push(step);
    }

    pub(super) fn compile(
        self,
        enforce_outputs: bool,
        states: &States,
        errors: &mut Vec<BuildError>,
    ) -> Compiled {
        let tool = |tool| ToolEntry::compile(tool, enforce_outputs);
        let steps = self.0.into_iter().filter_map(|step| {
            let compiled = match step {
                Step::Tool(change) => change.compile(states, tool).map(Step::Tool),
                Step::Resource(change) => {
                    change.compile(states, ResourceEntry::compile).map(Step::Resource)
                }
                Step::Prompt(change) => {
                    change.compile(states, PromptEntry::compile).map(Step::Prompt)
                }
            };
            compiled.map_err(|error| errors.push(error)).ok()
        });
        Compiled(steps.collect())
    }
}

/// Changes that are ready to be applied.
pub(super) struct Compiled(Vec<Step<Arc<ToolEntry>, Arc<ResourceEntry>, Arc<PromptEntry>>>);

impl Compiled {
    /// Applies all of them to `catalog`, which is worth nothing after an error.
    pub(super) fn apply(
        &self,
        catalog: &mut Catalog,
        server: &Arc<str>,
        errors: &mut Vec<BuildError>,
    ) {
        for step in &self.0 {
            let applied = match step {
                Step::Tool(change) => change.apply(&mut catalog.tools, server),
                Step::Resource(change) => change.apply(&mut catalog.resources, server),
                Step::Prompt(change) => change.apply(&mut catalog.prompts, server),
            };
            errors.extend(applied.err());
        }
    }
}

impl<T: Stateful> Change<T> {
    fn compile<E>(
        self,
        states: &States,
        compile: impl Fn(T) -> Result<E, BuildError>,
    ) -> Result<Change<Arc<E>>, BuildError> {
        Ok(match self {
            Self::Add(mut item) => {
                item.fill(states);
                Change::Add(Arc::new(compile(item)?))
            }
            Self::Remove(key) => Change::Remove(key),
            Self::Hide(key) => Change::Hide(key),
            Self::Show(key) => Change::Show(key),
        })
    }
}

impl<E: Entry> Change<Arc<E>> {
    fn apply(&self, shelf: &mut Shelf<E>, server: &Arc<str>) -> Result<(), BuildError> {
        match self {
            Self::Add(entry) => shelf.add(Arc::clone(entry), server, Added::Later),
            Self::Remove(key) => shelf.remove(key),
            Self::Hide(key) => shelf.set_hidden(key, true),
            Self::Show(key) => shelf.set_hidden(key, false),
        }
    }
}
