//! The client at the other end of a call: what it can do and how it can be asked.

use std::sync::Arc;

use bytes::Bytes;

use crate::{capability::ClientCapability, protocol::fields, session::Session};

/// The client capabilities that the runtime acts on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ClientCapabilities {
    form: bool,
    url: bool,
    sampling: bool,
    roots: bool,
}

impl ClientCapabilities {
    /// Reads the object that a client declared. Unreadable parts count as not declared.
    pub(crate) fn parse(raw: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(raw) else { return Self::default() };
        let Ok([elicitation, sampling, roots]) =
            fields(text, &["elicitation", "sampling", "roots"])
        else {
            return Self::default();
        };
        let object = |raw: Option<&str>| raw.is_some_and(|raw| raw.starts_with('{'));
        let (form, url) = match elicitation.map(|raw| fields(raw, &["form", "url"])) {
            // An empty object means form mode, as it did before modes existed (2025-11-25, client/elicitation).
            Some(Ok([None, None])) => (true, false),
            Some(Ok([form, url])) => (object(form), object(url)),
            _ => (false, false),
        };
        Self { form, url, sampling: object(sampling), roots: object(roots) }
    }

    pub(crate) fn has(self, capability: ClientCapability) -> bool {
        match capability {
            ClientCapability::ElicitationForm => self.form,
            ClientCapability::ElicitationUrl => self.url,
            ClientCapability::Sampling => self.sampling,
            ClientCapability::Roots => self.roots,
        }
    }
}

/// Whether the client declared the extension `id` in `capabilities.extensions`.
pub(crate) fn declares_extension(capabilities: &[u8], id: &str) -> bool {
    let Ok(text) = std::str::from_utf8(capabilities) else { return false };
    let Ok([Some(extensions)]) = fields(text, &["extensions"]) else { return false };
    serde_json::from_str::<std::collections::HashMap<String, serde::de::IgnoredAny>>(extensions)
        .is_ok_and(|declared| declared.contains_key(id))
}

/// How the client speaks.
#[derive(Debug, Clone)]
pub(crate) enum Peer {
    /// 2026-07-28: capabilities travel with each request; questions are results.
    Modern {
        /// The declared object as JSON.
        capabilities: Bytes,
    },
    /// A legacy session: questions are requests to the client.
    Legacy(Arc<Session>),
    /// A legacy request without a session: the client can't be asked.
    Sessionless,
}

impl Peer {
    pub(crate) fn supports(&self, capability: ClientCapability) -> bool {
        match self {
            Self::Modern { capabilities } => {
                ClientCapabilities::parse(capabilities).has(capability)
            }
            Self::Legacy(session) => session.capabilities.has(capability),
            Self::Sessionless => false,
        }
    }

    pub(crate) fn has_extension(&self, id: &str) -> bool {
        matches!(self, Self::Modern { capabilities } if declares_extension(capabilities, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_what_the_client_declared() {
        use ClientCapability::{ElicitationForm, ElicitationUrl, Roots, Sampling};
        let check = |raw: &str, expected: &[ClientCapability]| {
            let declared = ClientCapabilities::parse(raw.as_bytes());
            for capability in [ElicitationForm, ElicitationUrl, Sampling, Roots] {
                assert_eq!(
                    declared.has(capability),
                    expected.contains(&capability),
                    "{raw} {capability:?}"
                );
            }
        };
        check("{}", &[]);
        check(r#"{"elicitation":{}}"#, &[ElicitationForm]);
        check(r#"{"elicitation":{"form":{}}}"#, &[ElicitationForm]);
        check(r#"{"elicitation":{"url":{}}}"#, &[ElicitationUrl]);
        check(r#"{"sampling":{},"roots":{"listChanged":true}}"#, &[Sampling, Roots]);
        check(r#"{"sampling":null}"#, &[]);
        check(r#"{"sampling":{},"sampling":{}}"#, &[]);
        check("garbage", &[]);
    }

    #[test]
    fn extensions_are_found_by_id() {
        let raw = br#"{"extensions":{"io.x/y":{}}}"#;
        assert!(declares_extension(raw, "io.x/y"));
        assert!(!declares_extension(raw, "io.x"));
        assert!(!declares_extension(b"{}", "io.x/y"));
    }
}
