//! Who is calling, and the seam through which identity enters.
//!
//! Every call has a [`Caller`]: layers, handlers, logs and audit see it. Over HTTP an [`Authenticator`] turns a request's
//! headers into one; stdio and in-memory connections get the caller that configuration gives them, never a skipped check.

use std::{net::IpAddr, sync::Arc};

use futures_util::future::BoxFuture;
use http::HeaderMap;

/// How the caller came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallerKind {
    /// Nobody in particular; only served where configuration allows it.
    Anonymous,
    /// The person who started the process (stdio).
    Local,
    /// A verified credential.
    Authenticated,
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// Stable and unique: what sessions, sealed state and quotas are bound to.
    pub id: Arc<str>,
    /// For people.
    pub name: Arc<str>,
    /// How the caller came to be known.
    pub kind: CallerKind,
}

impl Caller {
    /// A caller with a verified credential.
    pub fn authenticated(id: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { id: id.into(), name: name.into(), kind: CallerKind::Authenticated }
    }

    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self { id: "anonymous".into(), name: "anonymous".into(), kind: CallerKind::Anonymous }
    }

    /// The person who started the process.
    pub fn local() -> Self {
        Self { id: "local".into(), name: "local".into(), kind: CallerKind::Local }
    }
}

/// What an authenticator may look at.
#[derive(Debug)]
#[non_exhaustive]
pub struct Credentials<'a> {
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// The client's address, taken from trusted proxies' headers where configured.
    pub client_addr: Option<IpAddr>,
}

/// Why nobody was recognised: becomes HTTP 401 (or 403) with a `WWW-Authenticate` challenge (RFC 9110 section 11.6.1).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Challenge {
    /// 401 when a credential is missing or wrong, 403 when it does not suffice, 429 when there were too many failures.
    pub status: u16,
    /// The value of `WWW-Authenticate`.
    pub www_authenticate: String,
    /// What the caller reads; must not tell whether a credential exists.
    pub message: String,
}

impl Challenge {
    /// A 401 with this challenge.
    pub fn unauthorized(www_authenticate: impl Into<String>) -> Self {
        Self {
            status: 401,
            www_authenticate: www_authenticate.into(),
            message: "a valid credential is required; send it as Authorization: Bearer".into(),
        }
    }
}

/// Turns a request's credentials into a [`Caller`].
pub trait Authenticator: Send + Sync + 'static {
    /// Recognises the caller, or says how to authenticate.
    ///
    /// # Errors
    /// The [`Challenge`] that ends the request.
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Caller>, Challenge>>;

    /// Whether everyone is let in; a listener that others can reach refuses to start on it.
    fn allows_anyone(&self) -> bool {
        false
    }
}

/// Lets everyone in as [`Caller::anonymous`]: the default on loopback.
#[derive(Debug)]
pub struct AllowAnonymous(Arc<Caller>);

impl Default for AllowAnonymous {
    fn default() -> Self {
        Self(Arc::new(Caller::anonymous()))
    }
}

impl Authenticator for AllowAnonymous {
    fn authenticate<'a>(
        &'a self,
        _: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Caller>, Challenge>> {
        Box::pin(std::future::ready(Ok(Arc::clone(&self.0))))
    }

    fn allows_anyone(&self) -> bool {
        true
    }
}
