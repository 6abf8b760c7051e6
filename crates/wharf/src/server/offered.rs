//! What a server offers, as permissions see it: for tables of who may use what, and for checks of configuration.

use std::sync::Arc;

use super::{core::Service, registry::Registry};
use crate::scope::{Grants, Scope, Target, TargetKind};

/// One tool, resource, template or prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Offered {
    /// What it is; a template is a resource.
    pub kind: TargetKind,
    /// Its name, URI or template.
    pub item: Arc<str>,
    /// What its author demands of whoever uses it.
    pub scopes: Vec<Scope>,
    /// The server that offers it, as permissions name it.
    server: Arc<str>,
    is_template: bool,
}

impl Offered {
    /// Whether a caller with these may use it, or, for a template, some of what it stands for.
    pub fn is_open_to(&self, grants: &Grants) -> bool {
        let target = Target::new(&self.server, self.kind, &self.item, &self.scopes);
        if self.is_template { grants.may_allow(&target) } else { grants.allows(&target) }
    }
}

impl Service {
    /// Everything that can be reached now, in the order of the lists: tools, resources with templates, prompts.
    pub fn offered(&self) -> Vec<Offered> {
        let server: Arc<str> = self.0.name().into();
        let registry = self.0.registry.load();
        Registry::offered(&registry)
            .map(|(kind, item, scopes, is_template)| Offered {
                kind,
                item: Arc::clone(item),
                scopes: scopes.to_vec(),
                server: Arc::clone(&server),
                is_template,
            })
            .collect()
    }
}
