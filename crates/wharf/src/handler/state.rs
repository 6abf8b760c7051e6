//! Values that a server shares with its handlers, found by their type.
//!
//! A handler says what it needs ([`FromCall::requires`]), the server says what it has
//! ([`Server::state`](crate::Server::state)), and both meet before the first call: a server that lacks something is not
//! built. Nothing is looked up by name, and nothing is shared between servers.

use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    ops::Deref,
    sync::Arc,
};

use super::{
    extract::{FromCall, Invocation},
    function::BoxHandler,
};
use crate::error::ToolError;

type Shared = Arc<dyn Any + Send + Sync>;

/// A value that the server shares with its handlers: a connection pool, a client, settings. Each call takes a clone, so
/// what is large or must be one and the same goes behind an [`Arc`].
///
/// A server without a value of that type is not built; see [`Server::state`](crate::Server::state).
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
/// use wharf::{Server, State, Tool};
///
/// #[derive(Clone, Default)]
/// struct Visits(Arc<AtomicU64>);
///
/// let count = Tool::new("count").handler(|State(visits): State<Visits>| async move {
///     (visits.0.fetch_add(1, Ordering::Relaxed) + 1).to_string()
/// });
/// let service = Server::new("visits", "1.0.0").state(Visits::default()).tool(count.clone()).build()?;
///
/// let error = Server::new("visits", "1.0.0").tool(count).build().unwrap_err();
/// assert!(error.to_string().starts_with("tool \"count\" needs a state of type"));
/// # Ok::<(), wharf::BuildError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct State<T>(pub T);

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone + Send + Sync + 'static> FromCall for State<T> {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        invocation.state().map(Self).ok_or_else(|| {
            // Only an extractor that takes a state without declaring it gets here; who calls can do nothing about it.
            ToolError::internal(format!(
                "no state of type {}: an extractor must declare it in `FromCall::requires`",
                type_name::<T>()
            ))
        })
    }

    fn requires(requirements: &mut Requirements) {
        requirements.state::<T>();
    }
}

#[derive(Clone)]
struct Requirement {
    id: TypeId,
    type_name: &'static str,
    value: Option<Shared>,
}

/// What a handler needs from its server.
#[derive(Clone, Default)]
pub struct Requirements(Vec<Requirement>);

impl std::fmt::Debug for Requirements {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|requirement| requirement.type_name)).finish()
    }
}

impl Requirements {
    /// The handler takes the server's state of type `T`.
    pub fn state<T: Clone + Send + Sync + 'static>(&mut self) {
        let id = TypeId::of::<T>();
        if self.0.iter().all(|requirement| requirement.id != id) {
            self.0.push(Requirement { id, type_name: type_name::<T>(), value: None });
        }
    }

    /// Takes from `states` what has not been given yet.
    pub(crate) fn fill(&mut self, states: &States) {
        for requirement in &mut self.0 {
            if requirement.value.is_none() {
                requirement.value = states.values.get(&requirement.id).cloned();
            }
        }
    }

    /// The types that nobody has given a value of.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter(|requirement| requirement.value.is_none()).map(|r| r.type_name)
    }

    /// Lets `handler` find what was given. A handler that needs nothing stays as it is and pays nothing.
    pub(crate) fn bind<R: 'static>(&self, handler: &mut BoxHandler<R>) {
        if self.0.is_empty() {
            return;
        }
        let provided = Arc::new(self.clone());
        let inner = Arc::clone(handler);
        *handler = Arc::new(move |mut invocation| {
            invocation.provided = Some(Arc::clone(&provided));
            inner(invocation)
        });
    }

    pub(crate) fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        let id = TypeId::of::<T>();
        let requirement = self.0.iter().find(|requirement| requirement.id == id)?;
        requirement.value.as_deref()?.downcast_ref::<T>().cloned()
    }
}

/// What a server shares with its handlers.
#[derive(Default)]
pub(crate) struct States {
    values: HashMap<TypeId, Shared>,
}

impl States {
    /// # Errors
    /// The type's name, when there was a value of it.
    pub(crate) fn insert<T: Clone + Send + Sync + 'static>(
        &mut self,
        value: T,
    ) -> Result<(), &'static str> {
        match self.values.insert(TypeId::of::<T>(), Arc::new(value)) {
            Some(_) => Err(type_name::<T>()),
            None => Ok(()),
        }
    }
}
