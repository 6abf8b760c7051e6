//! Where a message came from: what a transport knows of it beside its bytes.

use std::{net::IpAddr, sync::Arc};

use crate::{
    caller::Caller,
    protocol::{HeaderView, RpcError},
    server::core::Refusal,
    session::{InFlight, Session},
};

/// Where a message came from.
pub(crate) struct Edge<'a> {
    pub(crate) caller: &'a Arc<Caller>,
    /// The client's address as the authenticator sees it.
    pub(crate) client_addr: Option<IpAddr>,
    /// The legacy session that it belongs to.
    pub(crate) session: Option<&'a Arc<Session>>,
    /// A session was named that does not exist: legacy requests end here, requests of 2026-07-28 ignore it.
    pub(crate) lost_session: bool,
    /// Where running calls are found again by `notifications/cancelled`; an HTTP request of 2026-07-28 is cancelled by
    /// closing its stream instead.
    pub(crate) in_flight: Option<&'a Arc<InFlight>>,
    /// HTTP's headers; other transports have none.
    pub(crate) headers: Option<HeaderView<'a>>,
    /// Whether anything can be sent before the answer.
    pub(crate) can_stream: bool,
    /// Whether legacy requests are served without a session that `initialize` began.
    pub(crate) sessionless: bool,
}

impl<'a> Edge<'a> {
    /// The record of a message from here that can't become a call.
    pub(crate) fn refusal(&self, error: &RpcError) -> Refusal<'a> {
        Refusal {
            kind: error.kind,
            reason: error.reason(),
            status: self.headers.is_some().then_some(error.status),
            client_addr: self.client_addr,
            caller: Some(self.caller),
        }
    }
}
