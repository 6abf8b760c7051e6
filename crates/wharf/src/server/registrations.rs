//! What a server under construction has been given, in order, and by which server: merging keeps apart who brought what.

use std::{collections::HashMap, sync::Arc};

use super::{
    BuildError,
    catalog::{Added, Catalog, Entry, Shelf, taken},
    entries::{PromptEntry, ResourceEntry, ToolEntry},
    extension::Extension,
    prompt::Prompt,
    provide::Stateful,
    registry::Methods,
    resource::Resource,
    tool::Tool,
};

/// An item and the server it was registered with.
#[derive(Clone)]
pub(super) struct Registered<T> {
    pub(super) item: T,
    pub(super) server: Arc<str>,
}

/// What was registered.
#[derive(Default, Clone)]
pub(super) struct Registrations {
    pub(super) tools: Vec<Registered<Tool>>,
    pub(super) resources: Vec<Registered<Resource>>,
    pub(super) prompts: Vec<Registered<Prompt>>,
    pub(super) extensions: Vec<Registered<Extension>>,
}

impl Registrations {
    /// Compiles all of it: what may change later, the extensions, and their methods.
    pub(super) fn compile(
        self,
        enforce_outputs: bool,
        errors: &mut Vec<BuildError>,
    ) -> (Catalog, Vec<Extension>, Methods) {
        let catalog = Catalog {
            tools: shelf(self.tools, |tool| ToolEntry::compile(tool, enforce_outputs), errors),
            resources: shelf(self.resources, ResourceEntry::compile, errors),
            prompts: shelf(self.prompts, PromptEntry::compile, errors),
        };
        let (extensions, methods) = join_extensions(self.extensions, errors);
        (catalog, extensions, methods)
    }
}

fn shelf<I, T: Entry>(
    registered: Vec<Registered<I>>,
    compile: impl Fn(I) -> Result<T, BuildError>,
    errors: &mut Vec<BuildError>,
) -> Shelf<T> {
    let mut shelf = Shelf::default();
    for Registered { item, server } in registered {
        let added =
            compile(item).and_then(|entry| shelf.add(Arc::new(entry), &server, Added::AtBuild));
        errors.extend(added.err());
    }
    shelf
}

/// Joins extensions of the same id: two servers may bring different methods of one extension, as long as they agree on
/// the capability that clients read.
fn join_extensions(
    registered: Vec<Registered<Extension>>,
    errors: &mut Vec<BuildError>,
) -> (Vec<Extension>, Methods) {
    let mut methods: HashMap<_, (Arc<str>, _)> = HashMap::new();
    let mut joined: Vec<Registered<Extension>> = Vec::new();
    for Registered { item: mut extension, server } in registered {
        match extension.bind().and_then(|()| extension.entries()) {
            Err(error) => errors.push(error),
            Ok(entries) => {
                for entry in entries {
                    let name = Arc::clone(&entry.name);
                    match methods.get(&name) {
                        Some((first, _)) => errors.push(taken(
                            format!("method {name:?}"),
                            first,
                            &server,
                            "leave one of the two out",
                        )),
                        None => drop(methods.insert(name, (Arc::clone(&server), Arc::new(entry)))),
                    }
                }
            }
        }
        match joined.iter().find(|other| other.item.id == extension.id) {
            Some(other) if other.item.capability == extension.capability => {}
            Some(other) => errors.push(taken(
                format!("extension {:?} with other settings", extension.id),
                &other.server,
                &server,
                "give both the same settings, or leave one out",
            )),
            None => joined.push(Registered { item: extension, server }),
        }
    }
    let methods = methods.into_iter().map(|(name, (_, method))| (name, method)).collect();
    (joined.into_iter().map(|joined| joined.item).collect(), methods)
}
