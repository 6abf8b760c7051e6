//! Composition: one server out of several, each written and tested by itself.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use super::{BuildError, Limits, Server, registrations::Registrations};
use crate::observe::{Probe, Readiness};

impl Server {
    /// Takes in everything that `other` offers: tools, resources, prompts, extensions, probes and instructions.
    ///
    /// Two items of one name or URI are an error of [`Server::build`] that names both servers; [`Server::merge_prefixed`]
    /// keeps tools and prompts apart. Two extensions of one id are one, if they agree on their settings.
    ///
    /// The name, limits, cache hints and whatever else belongs to the process are those of `self`. What `self` has not
    /// been given is taken from `other`: sealing keys, state store, event bus, metrics and audit sinks, and whether outputs
    /// are checked. [State](Server::state) that `other` was given stays with its own handlers, which take from `self` what
    /// `other` does not have; handlers of `self` see none of it. A time limit that `other` was given goes on for what it brings, since that is what it was written for.
    /// Exposing internal errors is never taken over.
    ///
    /// ```
    /// use wharf::{Server, Tool};
    ///
    /// let clock = Server::new("clock", "1.0.0")
    ///     .instructions("Times are UTC.")
    ///     .tool(Tool::new("now").handler(|| async { "12:00" }));
    /// let service = Server::new("desk", "1.0.0")
    ///     .tool(Tool::new("note").handler(|| async { "noted" }))
    ///     .merge(clock)
    ///     .build()?;
    /// # Ok::<(), wharf::BuildError>(())
    /// ```
    pub fn merge(self, other: Server) -> Self {
        self.join(other, None)
    }

    /// Takes in everything that `other` offers, as [`Server::merge`] does, with `prefix` and `_` before the names of its
    /// tools and prompts. Resources keep their URIs: those are addresses, and other things refer to them.
    ///
    /// The separator is `_` because many clients pass names on to a model's API that takes only `A-Z a-z 0-9 _ -` and
    /// refuse or rewrite the `.` and `/` that the specification allows too; for the same reason a prefix can't hold them.
    ///
    /// A part that forgets kept results does so by a tag: [`Handle::invalidate_tool`](crate::Handle::invalidate_tool) takes
    /// the name with the prefix, which a part does not know.
    ///
    /// ```
    /// use wharf::{Server, Tool};
    ///
    /// let search = |name: &str| {
    ///     Server::new(name, "1.0.0").tool(Tool::new("search").handler(|| async { "…" }))
    /// };
    /// // Offers `web_search` and `mail_search`.
    /// let service = Server::new("office", "1.0.0")
    ///     .merge_prefixed("web", search("web"))
    ///     .merge_prefixed("mail", search("mail"))
    ///     .build()?;
    /// # Ok::<(), wharf::BuildError>(())
    /// ```
    pub fn merge_prefixed(mut self, prefix: impl AsRef<str>, other: Server) -> Self {
        let prefix = prefix.as_ref();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if prefix.is_empty() || !prefix.bytes().all(allowed) {
            self.defects.push(BuildError::Name {
                what: format!("the prefix {prefix:?} for {:?}", other.name),
                rule: "use A-Z a-z 0-9 _ -, at least one of them",
            });
        }
        self.join(other, Some(prefix))
    }

    fn join(mut self, other: Server, prefix: Option<&str>) -> Self {
        // Every field by name: whoever adds one decides here what becomes of it.
        let Server {
            name,
            info: _,
            instructions,
            mut registered,
            overrides,
            shared,
            limits,
            // The outer server decides how often anybody calls.
            rate_limits: _,
            cache: _,
            sealer,
            events,
            state,
            metrics,
            audit,
            probes,
            expose_internal_errors: _,
            check_outputs,
            dynamic,
            defects,
        } = other;
        // What a part shares is its own: it goes to its handlers and to nobody else's.
        registered.fill(&shared);
        self.registered.join(registered, prefix, own_timeout(&limits));
        let overrides = overrides.into_iter();
        self.overrides.extend(overrides.map(|(name, changes)| (prefixed(prefix, &name), changes)));
        self.instructions = join_instructions(self.instructions, instructions, prefix);
        self.sealer = self.sealer.or(sealer);
        self.events = self.events.or(events);
        self.state = self.state.or(state);
        self.metrics = self.metrics.or(metrics);
        self.audit = self.audit.or(audit);
        for probe in probes {
            let taken = self.probes.iter().any(|other| other.name() == probe.name());
            let label = prefix.or(taken.then_some(&*name));
            self.probes.push(match label {
                Some(label) => {
                    let name = format!("{label}_{}", probe.name());
                    Arc::new(Renamed { name, probe })
                }
                None => probe,
            });
        }
        self.check_outputs = self.check_outputs.or(check_outputs);
        self.dynamic |= dynamic;
        self.defects.extend(defects);
        self
    }
}

/// The time limit that a server was given, if it was given any.
fn own_timeout(limits: &Limits) -> Option<Duration> {
    Some(limits.request_timeout).filter(|given| *given != Limits::default().request_timeout)
}

fn join_instructions(
    ours: Option<String>,
    theirs: Option<String>,
    prefix: Option<&str>,
) -> Option<String> {
    // The text was written for names without the prefix.
    let theirs = theirs.map(|text| match prefix {
        Some(prefix) => format!(
            "Tools and prompts that this part names are called \"{prefix}_…\" here:\n{text}"
        ),
        None => text,
    });
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => Some(format!("{ours}\n\n{theirs}")),
        (ours, theirs) => ours.or(theirs),
    }
}

impl Registrations {
    fn join(&mut self, other: Registrations, prefix: Option<&str>, timeout: Option<Duration>) {
        let Registrations { mut tools, mut resources, mut prompts, extensions } = other;
        for spec in tools.iter_mut().map(|tool| &mut tool.item.spec) {
            spec.name = prefixed(prefix, &spec.name);
            spec.timeout = spec.timeout.or(timeout);
        }
        for spec in resources.iter_mut().map(|resource| &mut resource.item.spec) {
            spec.timeout = spec.timeout.or(timeout);
        }
        for spec in prompts.iter_mut().map(|prompt| &mut prompt.item.spec) {
            spec.name = prefixed(prefix, &spec.name);
            spec.timeout = spec.timeout.or(timeout);
        }
        self.tools.append(&mut tools);
        self.resources.append(&mut resources);
        self.prompts.append(&mut prompts);
        self.extensions.extend(extensions);
    }
}

fn prefixed(prefix: Option<&str>, name: &Arc<str>) -> Arc<str> {
    match prefix {
        Some(prefix) => format!("{prefix}_{name}").into(),
        None => Arc::clone(name),
    }
}

/// A probe under a name that tells it from others.
struct Renamed {
    name: String,
    probe: Arc<dyn Probe>,
}

impl Probe for Renamed {
    fn name(&self) -> &str {
        &self.name
    }

    fn check(&self) -> BoxFuture<'_, Readiness> {
        self.probe.check()
    }
}
