//! Giving every registered handler the state that it takes, or saying which one is missing.

use super::{BuildError, completer::Completer, registry::Registrations};
use crate::handler::{BoxHandler, Requirements, States};

/// Fills what `handler` requires from `states`; what is still missing goes to `errors`.
pub(crate) fn provide<R: 'static>(
    what: &str,
    requirements: &mut Requirements,
    handler: &mut BoxHandler<R>,
    states: &States,
    errors: &mut Vec<BuildError>,
) {
    requirements.fill(states);
    let before = errors.len();
    errors.extend(
        requirements
            .missing()
            .map(|type_name| BuildError::State { what: what.to_owned(), type_name }),
    );
    if errors.len() == before {
        requirements.bind(handler);
    }
}

impl Registrations {
    /// Gives every handler its state.
    pub(crate) fn provide(&mut self, states: &States) -> Vec<BuildError> {
        let mut errors: Vec<_> = states
            .duplicates
            .iter()
            .map(|name| BuildError::Duplicate { what: format!("the state of type {name}") })
            .collect();
        for tool in &mut self.tools {
            let what = format!("tool {:?}", tool.spec.name);
            provide(&what, &mut tool.spec.requirements, &mut tool.handler, states, &mut errors);
        }
        for resource in &mut self.resources {
            let what = format!("resource {:?}", resource.spec.uri);
            let spec = &mut resource.spec;
            provide(&what, &mut spec.requirements, &mut resource.handler, states, &mut errors);
            complete(&what, spec.completers.values_mut(), states, &mut errors);
        }
        for prompt in &mut self.prompts {
            let what = format!("prompt {:?}", prompt.spec.name);
            let spec = &mut prompt.spec;
            provide(&what, &mut spec.requirements, &mut prompt.handler, states, &mut errors);
            complete(&what, spec.completers.values_mut(), states, &mut errors);
        }
        for extension in &mut self.extensions {
            extension.provide(states, &mut errors);
        }
        errors
    }
}

fn complete<'a>(
    what: &str,
    completers: impl Iterator<Item = &'a mut Completer>,
    states: &States,
    errors: &mut Vec<BuildError>,
) {
    for Completer { handler, requirements } in completers {
        provide(&format!("a completer of {what}"), requirements, handler, states, errors);
    }
}
