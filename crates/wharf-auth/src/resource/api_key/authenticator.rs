//! Recognises callers by their API keys.
//!
//! A key that is wrong, expired, revoked or no key at all gets one and the same answer. A right key is served however
//! often wrong ones were tried from its address.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use wharf::{Authenticator, Caller, Challenge, Credentials, Probe, Readiness};

use super::{
    clock::Clock,
    environment::EnvironmentKey,
    failures::{FailureLimit, Failures},
    presented::{Presented, presented},
    store::{KeyStore, StoreError},
    watched::{UnreadableStore, Watched},
};

/// RFC 6750 section 3: a request without a credential is told nothing but the scheme.
const CHALLENGE: &str = r#"Bearer realm="wharf""#;
const INVALID: &str = r#"Bearer realm="wharf", error="invalid_token""#;
/// When to try again while the store can't be read.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// Where keys are from.
#[derive(Debug, Default)]
pub struct KeySources {
    /// A key file.
    pub store: Option<KeyStore>,
    /// What becomes of its keys when it can't be read any more.
    pub unreadable: UnreadableStore,
    /// Keys from the environment.
    pub environment: Vec<EnvironmentKey>,
}

/// Recognises callers by their API keys.
pub struct ApiKeyAuthenticator {
    keys: Watched,
    failures: Failures,
    clock: Clock,
}

impl fmt::Debug for ApiKeyAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyAuthenticator").finish_non_exhaustive()
    }
}

impl ApiKeyAuthenticator {
    /// An authenticator for these keys. It follows the changes of the key file.
    ///
    /// # Errors
    /// When the key file can't be read.
    pub fn new(sources: KeySources, limit: FailureLimit) -> Result<Self, StoreError> {
        Self::with_clock(sources, limit, Clock::system())
    }

    pub(super) fn with_clock(
        sources: KeySources,
        limit: FailureLimit,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let keys = Watched::new(sources.store, sources.unreadable, sources.environment)?;
        Ok(Self { keys, failures: Failures::new(limit), clock })
    }

    /// Whether there is any key. Without one, nobody can get in yet.
    pub fn has_keys(&self) -> bool {
        self.keys.current().len() > 0
    }

    fn decide(&self, credentials: &Credentials<'_>) -> Result<Arc<Caller>, Challenge> {
        match presented(credentials.headers) {
            Presented::Nothing => Err(Challenge::unauthorized(CHALLENGE).because("no_credential")),
            Presented::Unusable => Err(self.refuse(credentials.client_addr)),
            Presented::Key(key) => {
                let ring = self.keys.current();
                match ring.recognise(key, self.clock.now_seconds()) {
                    Some(caller) => Ok(caller),
                    // It may be a good one: nobody should throw it away because of a damaged file.
                    None if ring.lacks_store => Err(Challenge::unavailable(STORE_RETRY.as_secs())),
                    None => Err(self.refuse(credentials.client_addr)),
                }
            }
        }
    }

    fn refuse(&self, address: Option<IpAddr>) -> Challenge {
        if self.failures.may_be_told() {
            let client = address.map(tracing::field::display);
            tracing::warn!(client, "a wrong API key was refused; at most one in a second is told");
        }
        match self.failures.count(address) {
            Ok(()) => Challenge::unauthorized(INVALID).because("wrong_credential"),
            Err(seconds) => Challenge::too_many_failures(seconds),
        }
    }
}

impl Authenticator for ApiKeyAuthenticator {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Caller>, Challenge>> {
        Box::pin(std::future::ready(self.decide(&credentials)))
    }

    /// A key that was revoked, has expired or was given other permissions is no longer recognised; one that was rotated is
    /// the same caller. While its store is refused nobody knows, and what goes on may go on.
    fn recognises(&self, caller: &Caller) -> bool {
        let ring = self.keys.current();
        ring.lacks_store || ring.knows(caller, self.clock.now_seconds())
    }
}

/// Whether the key file can be read. The log says why it can't; who asks for readiness need not know.
impl Probe for ApiKeyAuthenticator {
    fn name(&self) -> &str {
        "api_keys"
    }

    fn check(&self) -> BoxFuture<'_, Readiness> {
        drop(self.keys.current());
        Box::pin(std::future::ready(match self.keys.trouble() {
            None => Readiness::Ready,
            Some(UnreadableStore::KeepKeys) => Readiness::Degraded(
                "the key file can't be read, so the keys that were read last go on; the log says why"
                    .to_owned(),
            ),
            Some(UnreadableStore::RefuseKeys) => Readiness::NotReady(
                "the key file can't be read, so its keys are refused; the log says why".to_owned(),
            ),
        }))
    }
}
