//! The listener: several servers on one address, and everything that stands between a socket and an endpoint.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header, request::Parts};
use http_body::Body;
use tokio::{net::TcpListener, time::Instant};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use super::{
    body::ResponseBody,
    connection::{Places, connection, turn_away},
    endpoint::Endpoint,
    guard::{Connection, Guard},
    health,
    nudge::Nudge,
    reply, scrape,
    sessions::Sessions,
    settings::HttpSettings,
    tls::{TlsError, TlsSettings},
    under_way::UnderWay,
};
use crate::{
    caller::{AllowAnonymous, Authenticator},
    metrics::Metrics,
    observe::Probe,
    server::Service,
    transport::Shutdown,
};

/// Why a listener could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Others than this machine could reach it, and nobody would have to authenticate.
    #[error(
        "{0} can be reached by others and no authentication is configured; listen on 127.0.0.1, configure \
         authentication, or set danger_allow_unauthenticated if something in front of it authenticates"
    )]
    Unauthenticated(SocketAddr),
    /// The address can't be used.
    #[error("can't listen on {addr}: {error}")]
    Bind {
        /// Which one.
        addr: String,
        /// Why.
        error: std::io::Error,
    },
    /// TLS can't be served.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A listener under construction.
#[must_use = "nothing is served until `serve`"]
pub struct Http {
    settings: HttpSettings,
    mounts: Vec<(Option<String>, Service)>,
    authenticator: Arc<dyn Authenticator>,
    probes: Vec<Arc<dyn Probe>>,
    metrics: Option<Arc<Metrics>>,
    tls: Option<TlsSettings>,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Http {
    /// A listener with these rules.
    pub fn new(settings: HttpSettings) -> Self {
        Self {
            settings,
            mounts: Vec::new(),
            authenticator: Arc::new(AllowAnonymous::default()),
            probes: Vec::new(),
            metrics: None,
            tls: None,
        }
    }

    /// Serves `service` at `/mcp`.
    pub fn service(mut self, service: Service) -> Self {
        self.mounts.push((None, service));
        self
    }

    /// Serves `service` at `/mcp/{name}`.
    pub fn mount(mut self, name: impl Into<String>, service: Service) -> Self {
        self.mounts.push((Some(name.into()), service));
        self
    }

    /// Who may call. Everyone, unless set.
    pub fn authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.authenticator = authenticator;
        self
    }

    /// Adds a check of readiness that concerns the listener and not one of its servers, such as whether the authenticator
    /// can do its work.
    pub fn probe(mut self, probe: Arc<dyn Probe>) -> Self {
        self.probes.push(probe);
        self
    }

    /// Serves `/metrics`: what `metrics` counts and its sources say, and what the listener knows of its connections, sessions
    /// and servers. It asks the authenticator as every endpoint does, and is for callers with the permission `metrics:read`,
    /// or `admin`.
    ///
    /// | Metric | Labels | What |
    /// |---|---|---|
    /// | `wharf_connections`, `wharf_connections_max` | | connections that are open, and may be |
    /// | `wharf_connections_turned_away_total` | | connections that were closed unread because there were too many |
    /// | `wharf_sessions`, `wharf_sessions_max` | `server` | sessions of clients before 2026-07-28 |
    ///
    /// and those of [`Service`], for each server.
    pub fn metrics(mut self, metrics: Arc<Metrics>) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Serves TLS.
    pub fn tls(mut self, tls: TlsSettings) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The HTTP service by itself, for tests and for mounting in an application of one's own.
    pub fn into_service(self) -> HttpService {
        self.assemble(None)
    }

    /// `places` are those of the listener that serves it.
    fn assemble(self, places: Option<Arc<Places>>) -> HttpService {
        let settings = Arc::new(self.settings);
        let endpoints = self.mounts.into_iter().map(|(name, service)| Endpoint {
            path: name.map_or("/mcp".to_owned(), |name| format!("/mcp/{name}")),
            service,
            sessions: Sessions::new(settings.sessions.clone()),
            under_way: UnderWay::default(),
            authenticator: Arc::clone(&self.authenticator),
            settings: Arc::clone(&settings),
        });
        let (endpoints, guard) = (endpoints.collect(), Guard::new(&settings));
        HttpService(Arc::new(Inner {
            endpoints,
            guard,
            authenticator: self.authenticator,
            probes: self.probes,
            metrics: self.metrics,
            places,
            settings,
        }))
    }

    /// Binds `addr`.
    ///
    /// # Errors
    /// When the address can't be used, TLS can't be served, or the listener would let others in unauthenticated.
    pub async fn bind(self, addr: SocketAddr) -> Result<Bound, ListenError> {
        let open =
            self.authenticator.allows_anyone() && !self.settings.danger_allow_unauthenticated;
        if open && !addr.ip().to_canonical().is_loopback() {
            return Err(ListenError::Unauthenticated(addr));
        }
        let tls = self.tls.as_ref().map(TlsSettings::acceptor).transpose()?;
        let listener = TcpListener::bind(addr).await;
        let listener =
            listener.map_err(|error| ListenError::Bind { addr: addr.to_string(), error })?;
        let local = listener
            .local_addr()
            .map_err(|error| ListenError::Bind { addr: addr.to_string(), error })?;
        let places = Arc::new(Places::new(self.settings.max_connections));
        let service = self.assemble(Some(Arc::clone(&places)));
        Ok(Bound { listener, local, tls, places, service })
    }
}

/// What all requests of a listener share.
pub(super) struct Inner {
    pub(super) endpoints: Vec<Endpoint>,
    guard: Guard,
    pub(super) authenticator: Arc<dyn Authenticator>,
    probes: Vec<Arc<dyn Probe>>,
    pub(super) metrics: Option<Arc<Metrics>>,
    /// None where somebody else accepts the connections.
    pub(super) places: Option<Arc<Places>>,
    pub(super) settings: Arc<HttpSettings>,
}

/// Serves HTTP requests.
#[derive(Clone)]
pub struct HttpService(pub(super) Arc<Inner>);

impl std::fmt::Debug for HttpService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpService").finish_non_exhaustive()
    }
}

impl HttpService {
    /// Ends calls, streams and sessions of callers whom the authenticator no longer
    /// [recognises](Authenticator::recognises). [`Bound::serve`] does it by itself, every
    /// [`review_interval`](HttpSettings::review_interval); whoever mounts the service elsewhere has to.
    pub fn review(&self) {
        self.0.endpoints.iter().for_each(Endpoint::review);
    }

    /// Serves one request of a connection from `peer` to `local`.
    pub async fn serve<B>(
        &self,
        request: Request<B>,
        peer: SocketAddr,
        local: SocketAddr,
    ) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: std::fmt::Display,
    {
        let inner = &self.0;
        let connection = Connection { peer: peer.ip(), local: local.ip() };
        let path = request.uri().path();
        let endpoint = inner.endpoints.iter().find(|endpoint| endpoint.path == path);
        if let Err(refused) = inner.guard.check(&request, connection) {
            if let Some(endpoint) = endpoint {
                let client = endpoint.client_addr(connection.peer, request.headers());
                endpoint.record_refusal(&refused, client, None);
            }
            return *refused;
        }
        if let Some(preflight) = inner.guard.preflight(&request) {
            let mut response = preflight;
            inner
                .guard
                .allow_reading(request.headers().get(header::ORIGIN), response.headers_mut());
            return response;
        }
        let origin = request.headers().get(header::ORIGIN).cloned();
        let mut response = match endpoint {
            Some(endpoint) => endpoint.serve(request, connection.peer).await,
            // Apart, so that a call has no room for it in its future.
            None => {
                let (head, _) = request.into_parts();
                Box::pin(inner.serve_beside(&head, connection.peer)).await
            }
        };
        inner.guard.allow_reading(origin.as_ref(), response.headers_mut());
        response
    }
}

impl Inner {
    /// What is served beside the endpoints.
    async fn serve_beside(&self, head: &Parts, peer: IpAddr) -> Response<ResponseBody> {
        match head.uri.path() {
            "/livez" => health::live(),
            "/readyz" | "/health" => health::ready(&self.endpoints, &self.probes).await,
            "/metrics" if self.metrics.is_some() => scrape::serve(self, head, peer).await,
            _ => {
                let paths: Vec<_> =
                    self.endpoints.iter().map(|endpoint| endpoint.path.as_str()).collect();
                let text =
                    format!("nothing is served here; the endpoints are {}", paths.join(", "));
                reply::text(StatusCode::NOT_FOUND, &text)
            }
        }
    }
}

/// A listener that has its address.
pub struct Bound {
    listener: TcpListener,
    local: SocketAddr,
    tls: Option<TlsAcceptor>,
    places: Arc<Places>,
    service: HttpService,
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound").field("local", &self.local).finish_non_exhaustive()
    }
}

impl Bound {
    /// The address, with the port that was chosen for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The URL of each endpoint.
    pub fn urls(&self) -> Vec<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let endpoints = self.service.0.endpoints.iter();
        endpoints.map(|endpoint| format!("{scheme}://{}{}", self.local, endpoint.path)).collect()
    }

    /// Serves until `shutdown` begins, then lets running calls finish within its grace period.
    pub async fn serve(self, shutdown: &Shutdown) {
        let tracker = TaskTracker::new();
        let closing = tokio_util::sync::CancellationToken::new();
        let places = Arc::clone(&self.places);
        let _nudge = Nudge::start(Arc::clone(&places));
        let sweeper = tokio::spawn(sweep(self.service.clone()));
        loop {
            let (stream, peer) = tokio::select! {
                () = shutdown.begun() => break,
                accepted = self.listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        // Usually out of file descriptors: let some connections end first.
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                },
            };
            let Some(place) = places.take() else {
                tracker.spawn(turn_away(stream));
                continue;
            };
            // Answers are one write each: waiting for more to send only costs time.
            drop(stream.set_nodelay(true));
            let (service, tls, closing) = (self.service.clone(), self.tls.clone(), closing.clone());
            let local = stream.local_addr().unwrap_or(self.local);
            tracker.spawn(async move {
                let _place = place;
                match tls {
                    None => connection(service, stream, peer, local, closing).await,
                    Some(tls) => {
                        let limit = service.0.settings.header_timeout;
                        if let Ok(Ok(stream)) =
                            tokio::time::timeout(limit, tls.accept(stream)).await
                        {
                            connection(service, stream, peer, local, closing).await;
                        }
                    }
                }
            });
        }
        drop(self.listener);
        sweeper.abort();
        finish(&self.service, &tracker, &closing, shutdown).await;
    }
}

/// Ends idle sessions, and what belongs to callers who are no longer recognised.
async fn sweep(service: HttpService) {
    let endpoints = &service.0.endpoints;
    let idle = endpoints.iter().map(|endpoint| endpoint.sessions.sweep_interval()).min();
    let Some(idle) = idle else { return };
    let interval = idle.min(service.0.settings.review_interval.max(Duration::from_millis(1)));
    let mut expired = Instant::now();
    loop {
        tokio::time::sleep(interval).await;
        service.review();
        if expired.elapsed() >= idle {
            expired = Instant::now();
            endpoints.iter().for_each(|endpoint| endpoint.sessions.expire());
        }
    }
}

async fn finish(
    service: &HttpService,
    tracker: &TaskTracker,
    closing: &tokio_util::sync::CancellationToken,
    shutdown: &Shutdown,
) {
    for endpoint in &service.0.endpoints {
        endpoint.service.close();
    }
    closing.cancel();
    tracker.close();
    if tokio::time::timeout(shutdown.grace(), tracker.wait()).await.is_err() {
        for endpoint in &service.0.endpoints {
            endpoint.service.abort();
        }
        // Time for the answers that say so; a client that does not read them is left.
        drop(tokio::time::timeout(Duration::from_secs(1), tracker.wait()).await);
    }
    // Last: a session that ends withdraws its calls, and a withdrawn call is not answered.
    for endpoint in &service.0.endpoints {
        endpoint.sessions.close_all();
    }
}
