//! A server on a port of its own, for tests over HTTP.

use std::{net::SocketAddr, time::Duration};

use tokio::task::JoinHandle;
use wharf::transport::{
    Shutdown,
    http::{Http, HttpSettings},
};

use crate::IntoService;

/// A server that listens on a free port of this machine until it is dropped.
///
/// ```
/// # use wharf::{Server, Tool};
/// # use wharf_testkit::{Client, HttpSite};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let server = Server::new("demo", "1.0.0").tool(Tool::new("hello").handler(|| async { "hi" }));
/// let site = HttpSite::start(server).await;
/// let client = Client::http(site.url()).await;
/// assert_eq!(client.call("hello", serde_json::json!({})).await.text(), "hi");
/// # }
/// ```
#[derive(Debug)]
pub struct HttpSite {
    addr: SocketAddr,
    url: String,
    shutdown: Shutdown,
    task: Option<JoinHandle<()>>,
}

impl HttpSite {
    /// Serves `server` at `/mcp` with the default rules.
    pub async fn start(server: impl IntoService) -> Self {
        Self::with(Http::new(HttpSettings::default()).service(server.into_service())).await
    }

    /// Serves what `http` describes: other rules, several servers, an authenticator.
    ///
    /// # Panics
    /// When it can't listen.
    pub async fn with(http: Http) -> Self {
        let bound = match http.bind(SocketAddr::from(([127, 0, 0, 1], 0))).await {
            Ok(bound) => bound,
            Err(error) => panic!("the server can't listen: {error}"),
        };
        let (addr, shutdown) = (bound.local_addr(), Shutdown::new(Duration::from_secs(1)));
        let url = bound.urls().into_iter().next().unwrap_or_default();
        let begun = shutdown.clone();
        let task = tokio::spawn(async move { bound.serve(&begun).await });
        Self { addr, url, shutdown, task: Some(task) }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of its first endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends in good order and waits for the end: what still runs after a second is answered with SERVICE_UNAVAILABLE.
    pub async fn shut_down(mut self) {
        self.shutdown.begin();
        if let Some(task) = self.task.take() {
            drop(task.await);
        }
    }
}

impl Drop for HttpSite {
    fn drop(&mut self) {
        self.shutdown.begin();
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}
