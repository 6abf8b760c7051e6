//! Giving every handler the state that it takes, or saying which one is missing.
//!
//! An item takes what it needs from the server that it was registered with first, and from those that this one was merged
//! into after: two parts of one server may share different values of one type with their own handlers.

use super::{
    BuildError, completer::Completer, extension::Extension, prompt::Prompt,
    registrations::Registrations, resource::Resource, tool::Tool,
};
use crate::handler::{BoxHandler, Requirements, States};

/// An item whose handlers may take states.
pub(super) trait Stateful {
    /// What its handlers need.
    fn requirements(&mut self) -> Vec<&mut Requirements>;

    /// Lets its handlers find what they were given.
    ///
    /// # Errors
    /// What nobody has given, all of it.
    fn bind(&mut self) -> Result<(), BuildError>;

    /// Takes from `states` what its handlers need and have not been given yet.
    fn fill(&mut self, states: &States) {
        self.requirements().into_iter().for_each(|requirements| requirements.fill(states));
    }
}

/// Binds `handler`, or tells what is missing.
pub(super) fn bind<R: 'static>(
    what: &str,
    requirements: &Requirements,
    handler: &mut BoxHandler<R>,
    errors: &mut Vec<BuildError>,
) {
    let before = errors.len();
    let missing = requirements.missing();
    errors.extend(missing.map(|type_name| BuildError::State { what: what.to_owned(), type_name }));
    if errors.len() == before {
        requirements.bind(handler);
    }
}

fn bind_all<'a>(
    what: &str,
    completers: impl Iterator<Item = &'a mut Completer>,
    errors: &mut Vec<BuildError>,
) {
    for Completer { handler, requirements } in completers {
        bind(&format!("a completer of {what}"), requirements, handler, errors);
    }
}

impl Stateful for Tool {
    fn requirements(&mut self) -> Vec<&mut Requirements> {
        vec![&mut self.spec.requirements]
    }

    fn bind(&mut self) -> Result<(), BuildError> {
        let mut errors = Vec::new();
        let what = format!("tool {:?}", self.spec.name);
        bind(&what, &self.spec.requirements, &mut self.handler, &mut errors);
        BuildError::of_all(errors)
    }
}

impl Stateful for Resource {
    fn requirements(&mut self) -> Vec<&mut Requirements> {
        let completers = self.spec.completers.values_mut();
        completers
            .map(|completer| &mut completer.requirements)
            .chain([&mut self.spec.requirements])
            .collect()
    }

    fn bind(&mut self) -> Result<(), BuildError> {
        let mut errors = Vec::new();
        let what = format!("resource {:?}", self.spec.uri);
        bind(&what, &self.spec.requirements, &mut self.handler, &mut errors);
        bind_all(&what, self.spec.completers.values_mut(), &mut errors);
        BuildError::of_all(errors)
    }
}

impl Stateful for Prompt {
    fn requirements(&mut self) -> Vec<&mut Requirements> {
        let completers = self.spec.completers.values_mut();
        completers
            .map(|completer| &mut completer.requirements)
            .chain([&mut self.spec.requirements])
            .collect()
    }

    fn bind(&mut self) -> Result<(), BuildError> {
        let mut errors = Vec::new();
        let what = format!("prompt {:?}", self.spec.name);
        bind(&what, &self.spec.requirements, &mut self.handler, &mut errors);
        bind_all(&what, self.spec.completers.values_mut(), &mut errors);
        BuildError::of_all(errors)
    }
}

impl Stateful for Extension {
    fn requirements(&mut self) -> Vec<&mut Requirements> {
        self.methods.iter_mut().map(|method| &mut method.requirements).collect()
    }

    fn bind(&mut self) -> Result<(), BuildError> {
        let mut errors = Vec::new();
        for method in &mut self.methods {
            let what = format!("method {:?}", method.name);
            bind(&what, &method.requirements, &mut method.handler, &mut errors);
        }
        BuildError::of_all(errors)
    }
}

impl Registrations {
    /// Gives everything here what `states` has.
    pub(super) fn fill(&mut self, states: &States) {
        self.tools.iter_mut().for_each(|tool| tool.item.fill(states));
        self.resources.iter_mut().for_each(|resource| resource.item.fill(states));
        self.prompts.iter_mut().for_each(|prompt| prompt.item.fill(states));
        self.extensions.iter_mut().for_each(|extension| extension.item.fill(states));
    }
}
