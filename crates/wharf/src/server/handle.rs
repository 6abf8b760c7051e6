//! Reaching a running server from inside the program: changing what it offers, and telling its clients.

use std::sync::{Arc, PoisonError};

use super::{BuildError, changes::Changes, core::Core, registry::Registry};
use crate::{
    error::ToolError,
    events::Event,
    handler::{FromCall, Invocation},
    shared::Held,
};

/// Changes what a running server offers, and tells listening clients about changes.
///
/// [`Service::handle`](crate::Service::handle) gives one; a handler takes one as a parameter. A handler that is registered
/// with a server and *captures* a handle of that same server keeps it alive for ever: take it as a parameter there.
#[derive(Clone)]
pub struct Handle(Held<Core>);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("name", &self.0.name).finish_non_exhaustive()
    }
}

impl Handle {
    pub(super) fn new(core: Held<Core>) -> Self {
        Self(core)
    }

    /// Sends `event` to every listening client that asked for it.
    ///
    /// An update of a resource that is hidden reaches nobody.
    pub fn publish(&self, event: Event) {
        self.0.publish(event);
    }

    /// Forgets the kept results of a tool (see [`CachePolicy`](crate::CachePolicy)), also those that are under way.
    pub fn invalidate_tool(&self, tool: &str) {
        self.0.kept_results.invalidate_tool(tool);
    }

    /// Forgets the kept results of every tool with this tag.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wharf::{CachePolicy, Handle, Server, Tool};
    ///
    /// let list = Tool::new("list_issues")
    ///     .cache(CachePolicy::ttl(Duration::from_secs(300)).tag("issues"))
    ///     .handler(|| async { "nothing to do" });
    /// let close = Tool::new("close_issue").handler(|server: Handle| async move {
    ///     server.invalidate_tag("issues");
    /// });
    /// let server = Server::new("tracker", "1.0.0").tool(list).tool(close).build()?;
    /// # drop(server);
    /// # Ok::<(), wharf::BuildError>(())
    /// ```
    pub fn invalidate_tag(&self, tag: &str) {
        self.0.kept_results.invalidate_tag(tag);
    }

    /// Applies a batch of changes: all of them, or none when one can't be. Clients see the lists of before or those of
    /// after, and hear once of each list that looks different then. A call that runs already goes on as it was.
    ///
    /// Cursors of a list stay good while the item that they name keeps its place; a client whose item is gone is told to
    /// list again (-32602).
    ///
    /// `describe` runs first and holds nothing up. Updates from several threads are applied one after another; calls and
    /// lists never wait for any.
    ///
    /// ```
    /// use wharf::{Server, Tool};
    ///
    /// let service = Server::new("lab", "1.0.0")
    ///     .tool(Tool::new("measure").handler(|| async { "42" }))
    ///     .build()?;
    /// let handle = service.handle();
    /// handle.update(|changes| {
    ///     changes.add_tool(Tool::new("calibrate").handler(|| async { "done" }));
    ///     changes.hide_tool("measure");
    /// })?;
    ///
    /// // Nothing is applied when anything is wrong.
    /// let error = handle.update(|changes| {
    ///     changes.show_tool("measure");
    ///     changes.remove_tool("mesure");
    /// });
    /// assert!(error.is_err());
    /// # Ok::<(), wharf::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// Everything that is wrong, at once: what [`Server::build`](crate::Server::build) would refuse, names that are not
    /// registered, and kinds that clients were told are not offered (see [`Server::dynamic`](crate::Server::dynamic)).
    pub fn update(&self, describe: impl FnOnce(&mut Changes)) -> Result<(), BuildError> {
        let mut changes = Changes::default();
        describe(&mut changes);
        let core = &self.0;
        let mut errors = Vec::new();
        let compiled = changes.compile(core.enforce_outputs, &core.shared, &mut errors);
        // Both outlive the lock: what they drop may be an author's, and may ask for another update.
        let before: Arc<Registry>;
        let events;
        {
            // Nothing that was half done is ever visible, so a panic under the lock spoils nothing.
            let _turn = core.updating.lock().unwrap_or_else(PoisonError::into_inner);
            before = core.registry.load_full();
            let mut catalog = before.catalog().clone();
            compiled.apply(&mut catalog, &core.name, &mut errors);
            errors.extend(core.capabilities.missing_for(&catalog));
            errors.extend(catalog.check_size(core.limits.registered).err());
            BuildError::of_all(errors)?;
            let methods = Arc::clone(before.methods());
            let after = Registry::new(catalog, methods, core.limits.page_size, &core.sealer);
            events = after.changes_since(&before);
            core.registry.store(Arc::new(after));
        }
        for event in events {
            core.publish(event);
        }
        Ok(())
    }
}

impl FromCall for Handle {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        Ok(Self(invocation.context.core.clone()))
    }
}
