//! What whoever runs a server changes about one of its tools, in place of what its author declared.

use std::{sync::Arc, time::Duration};

use super::{BuildError, Server, registrations::Registrations, tool::ToolBuilder};
use crate::{gate::Line, layers::Rate};

/// Changes to what surrounds one tool. What is none stays as the tool's author declared it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ToolOverrides {
    /// Leaves the tool out.
    pub disabled: bool,
    /// Longest time that one call may take.
    pub timeout: Option<Duration>,
    /// How often it may be called by all callers together; an inner none takes the limit away.
    pub rate: Option<Option<Rate>>,
    /// How often it may be called by each caller; an inner none takes the limit away.
    pub rate_per_caller: Option<Option<Rate>>,
    /// How many of its calls run at once, at least one.
    pub concurrency: Option<usize>,
    /// Most bytes that one call may answer with; at least 4 KiB.
    pub response_bytes: Option<usize>,
    /// How long its results are kept, for a tool whose author lets them be kept; zero keeps none.
    pub cache_ttl: Option<Duration>,
}

impl Server {
    /// Changes what surrounds the tool called `name`, as it is called after merging.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wharf::{Server, Tool, ToolOverrides};
    ///
    /// let mut slow = ToolOverrides::default();
    /// slow.timeout = Some(Duration::from_secs(120));
    /// let shop = Server::new("shop", "1.0.0").tool(Tool::new("search").handler(|| async { "found" }));
    /// let service = shop.override_tool("search", slow.clone()).build()?;
    ///
    /// // A name that is none is an error, and not a limit that never holds.
    /// let shop = Server::new("shop", "1.0.0").tool(Tool::new("search").handler(|| async { "found" }));
    /// let error = shop.override_tool("serach", slow).build().unwrap_err();
    /// assert!(error.to_string().contains("did you mean \"search\"?"));
    /// # Ok::<(), wharf::BuildError>(())
    /// ```
    pub fn override_tool(mut self, name: impl Into<Arc<str>>, overrides: ToolOverrides) -> Self {
        self.overrides.push((name.into(), overrides));
        self
    }
}

impl Registrations {
    /// Applies the changes of whoever runs the server.
    pub(super) fn override_tools(
        &mut self,
        overrides: Vec<(Arc<str>, ToolOverrides)>,
        errors: &mut Vec<BuildError>,
    ) {
        for (name, overrides) in overrides {
            let Some(at) = self.tools.iter().position(|tool| tool.item.spec.name == name) else {
                let known = self.tools.iter().map(|tool| &*tool.item.spec.name);
                errors.push(BuildError::unknown_tool(&name, known));
                continue;
            };
            if overrides.disabled {
                self.tools.remove(at);
            } else {
                errors.extend(overrides.apply(&mut self.tools[at].item.spec).err());
            }
        }
    }
}

impl ToolOverrides {
    fn apply(&self, spec: &mut ToolBuilder) -> Result<(), BuildError> {
        spec.timeout = self.timeout.or(spec.timeout);
        let policy = &mut spec.policy;
        policy.rates.total = self.rate.unwrap_or(policy.rates.total);
        policy.rates.per_caller = self.rate_per_caller.unwrap_or(policy.rates.per_caller);
        policy.response_bytes = self.response_bytes.or(policy.response_bytes);
        if let Some(calls) = self.concurrency {
            policy.concurrency = Some(Line::new(calls));
        }
        match (self.cache_ttl, &mut spec.cache) {
            (None, _) => {}
            (Some(Duration::ZERO), cache) => *cache = None,
            (Some(ttl), Some(policy)) => policy.ttl = ttl,
            // Only its author knows whether two calls in a row may have one answer.
            (Some(_), None) => return Err(BuildError::NotKept { tool: spec.name.to_string() }),
        }
        Ok(())
    }
}
