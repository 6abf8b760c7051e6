//! What clients are told that the server can do. Said once, in the handshake or in `server/discover`, so it must hold for as
//! long as the server runs: a change that would make it untrue is refused.

use serde_json::{Map, Value, json};

use super::{BuildError, catalog::Catalog, extension::Extension};

/// What is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Capabilities {
    tools: bool,
    resources: bool,
    prompts: bool,
    completions: bool,
}

impl Capabilities {
    /// What `catalog` needs; everything for a server that may get more later.
    pub(super) fn new(catalog: &Catalog, dynamic: bool) -> Self {
        let completes = catalog.prompts.all().any(|prompt| !prompt.completers.is_empty())
            || catalog.resources.all().any(|resource| !resource.completers.is_empty());
        Self {
            tools: dynamic || catalog.tools.len() > 0,
            resources: dynamic || catalog.resources.len() > 0,
            prompts: dynamic || catalog.prompts.len() > 0,
            completions: dynamic || completes,
        }
    }

    /// What `catalog` needs and was not declared.
    pub(super) fn missing_for(self, catalog: &Catalog) -> impl Iterator<Item = BuildError> {
        let needed = Self::new(catalog, false);
        let all = [
            (needed.tools, self.tools, "tools"),
            (needed.resources, self.resources, "resources"),
            (needed.prompts, self.prompts, "prompts"),
            (needed.completions, self.completions, "completions"),
        ];
        all.into_iter()
            .filter(|(needed, declared, _)| *needed && !declared)
            .map(|(_, _, capability)| BuildError::Undeclared { capability })
    }

    /// The object that clients read.
    pub(super) fn to_json(self, extensions: &[Extension]) -> Value {
        let mut capabilities = Map::new();
        let mut declare = |is: bool, name: &str, value: Value| {
            if is {
                capabilities.insert(name.to_owned(), value);
            }
        };
        // Lists can change on every server: authors publish events, and `Handle::update` changes what is registered.
        declare(self.tools, "tools", json!({"listChanged": true}));
        declare(self.resources, "resources", json!({"subscribe": true, "listChanged": true}));
        declare(self.prompts, "prompts", json!({"listChanged": true}));
        // Any handler may take a `Log`, and which ones do can't be seen once their types are erased. A server that
        // declares it and says nothing is allowed; one that sends `notifications/message` without it is not.
        declare(true, "logging", json!({}));
        declare(self.completions, "completions", json!({}));
        let extensions: Map<_, _> = (extensions.iter())
            .map(|extension| (extension.id.to_string(), extension.capability.clone().into()))
            .collect();
        declare(!extensions.is_empty(), "extensions", extensions.into());
        capabilities.into()
    }
}
