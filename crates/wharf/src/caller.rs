//! Who is calling, and the seam through which identity enters.
//!
//! Every call has a [`Caller`]: layers, handlers, logs and audit see it. Over HTTP an [`Authenticator`] turns a request's
//! headers into one; stdio and in-memory connections get the caller that configuration gives them, never a skipped check.

use std::{net::IpAddr, sync::Arc};

use futures_util::future::BoxFuture;
use http::HeaderMap;

use crate::{scope::Grants, shared::PerGroup};

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
// Aligned so that those who count references to one caller write to no cache line of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[repr(align(64))]
pub struct Caller {
    /// Stable and unique: what sessions, sealed state and quotas are bound to.
    pub id: Arc<str>,
    /// For people.
    pub name: Arc<str>,
    /// How the caller came to be known.
    pub kind: CallerKind,
    /// What the caller may use.
    pub grants: Arc<Grants>,
}

impl Caller {
    /// A caller with a verified credential, who may use nothing until [`with_grants`](Self::with_grants) says what: a
    /// credential proves who somebody is and not what they may do.
    pub fn authenticated(id: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self::new(id.into(), name.into(), CallerKind::Authenticated, Grants::none())
    }

    /// Nobody in particular, who may use everything unless [`with_grants`](Self::with_grants) says otherwise; a listener
    /// that others can reach refuses to serve anonymous callers.
    pub fn anonymous() -> Self {
        Self::new("anonymous".into(), "anonymous".into(), CallerKind::Anonymous, Grants::all())
    }

    /// The person who started the process, who may use everything unless [`with_grants`](Self::with_grants) says otherwise.
    pub fn local() -> Self {
        Self::new("local".into(), "local".into(), CallerKind::Local, Grants::all())
    }

    /// The same caller, who may use what these say and nothing else.
    pub fn with_grants(mut self, grants: Arc<Grants>) -> Self {
        self.grants = grants;
        self
    }

    fn new(id: Arc<str>, name: Arc<str>, kind: CallerKind, grants: Arc<Grants>) -> Self {
        Self { id, name, kind, grants }
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

impl<'a> Credentials<'a> {
    /// What a request shows, for an authenticator that is used or tried outside of a listener.
    pub fn new(headers: &'a HeaderMap, client_addr: Option<IpAddr>) -> Self {
        Self { headers, client_addr }
    }
}

/// Why nobody was recognised: becomes HTTP 401 (or another status) with a `WWW-Authenticate` challenge (RFC 9110 section 11.6.1).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Challenge {
    /// 401 when a credential is missing or wrong, 403 when it does not suffice, 429 when there were too many failures, 503
    /// when it can't be checked.
    pub status: u16,
    /// The value of `WWW-Authenticate`; none when empty.
    pub www_authenticate: String,
    /// What the caller reads; must not tell whether a credential exists.
    pub message: String,
    /// The value of `Retry-After`, in seconds.
    pub retry_after_seconds: Option<u64>,
    /// What the records of refusals say of it, in one word. The caller is not told.
    pub reason: &'static str,
}

impl Challenge {
    /// A 401 with this challenge.
    pub fn unauthorized(www_authenticate: impl Into<String>) -> Self {
        Self {
            status: 401,
            www_authenticate: www_authenticate.into(),
            message: "a valid credential is required; send it as Authorization: Bearer".into(),
            retry_after_seconds: None,
            reason: "unauthenticated",
        }
    }

    /// A 503: who it is can't be found out now, so nobody is let in and nobody is told to get another credential.
    pub fn unavailable(retry_after_seconds: u64) -> Self {
        Self {
            status: 503,
            www_authenticate: String::new(),
            message: "credentials can't be checked at the moment; try again".into(),
            retry_after_seconds: Some(retry_after_seconds),
            reason: "credentials_unchecked",
        }
    }

    /// A 429 for who has failed too often (RFC 6585 section 4).
    pub fn too_many_failures(retry_after_seconds: u64) -> Self {
        Self {
            status: 429,
            www_authenticate: String::new(),
            message: "too many requests without a valid credential; wait before the next".into(),
            retry_after_seconds: Some(retry_after_seconds),
            reason: "too_many_failures",
        }
    }

    /// The same with another word for the records of refusals, such as `no_credential`.
    #[must_use]
    pub fn because(mut self, reason: &'static str) -> Self {
        self.reason = reason;
        self
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

    /// Whether somebody who was recognised before still would be, with the same permissions. A listener asks it about once
    /// a second for whatever goes on, and ends what belongs to somebody who is not: sessions, open streams, and calls
    /// that run. Must not block.
    fn recognises(&self, _: &Caller) -> bool {
        true
    }

    /// Whether everyone is let in; a listener that others can reach refuses to start on it.
    fn allows_anyone(&self) -> bool {
        false
    }
}

/// Lets everyone in as [`Caller::anonymous`]: the default on loopback.
#[derive(Debug)]
pub struct AllowAnonymous(PerGroup<Arc<Caller>>);

impl AllowAnonymous {
    /// Lets everyone in as somebody who may use what these say.
    pub fn with_grants(grants: Arc<Grants>) -> Self {
        let caller = Caller::anonymous().with_grants(grants);
        Self(PerGroup::new(|| Arc::new(caller.clone())))
    }
}

impl Default for AllowAnonymous {
    fn default() -> Self {
        Self::with_grants(Grants::all())
    }
}

impl Authenticator for AllowAnonymous {
    fn authenticate<'a>(
        &'a self,
        _: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Caller>, Challenge>> {
        Box::pin(std::future::ready(Ok(Arc::clone(self.0.own()))))
    }

    fn allows_anyone(&self) -> bool {
        true
    }
}
