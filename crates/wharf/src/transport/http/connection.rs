//! One connection: a place among those that may be open, and hyper over it.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::Request;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::{
    phase::{Phase, Timed},
    server::HttpService,
};
use crate::metrics::Measurements;

/// Places for connections.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    max: usize,
    turned_away: AtomicU64,
}

impl Places {
    pub(super) fn new(max: usize) -> Self {
        let max = max.min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(max)), max, turned_away: AtomicU64::new(0) }
    }

    /// A place, until it is dropped. Who gets none is counted.
    pub(super) fn take(&self) -> Option<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.free).try_acquire_owned().ok();
        if place.is_none() {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
        }
        place
    }

    /// Connections that are open.
    pub(super) fn taken(&self) -> usize {
        self.max.saturating_sub(self.free.available_permits())
    }

    pub(super) fn measure(&self, out: &mut Measurements) {
        out.gauge("wharf_connections", "Open connections", &[], self.taken());
        out.gauge("wharf_connections_max", "Connections that may be open", &[], self.max);
        out.counter(
            "wharf_connections_turned_away",
            "Connections closed unread because there were too many",
            &[],
            self.turned_away.load(Ordering::Relaxed),
        );
    }
}

/// Tells a client that there is no room, without reading what it has to say.
pub(super) async fn turn_away(mut stream: TcpStream) {
    let answer = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    drop(tokio::time::timeout(Duration::from_secs(1), stream.write_all(answer)).await);
}

pub(super) async fn connection<IO>(
    service: HttpService,
    io: IO,
    peer: SocketAddr,
    local: SocketAddr,
    closing: tokio_util::sync::CancellationToken,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let settings = Arc::clone(&service.0.settings);
    let phase = Phase::new();
    let io = Timed::new(io, Arc::clone(&phase), settings.header_timeout, settings.idle_timeout);
    let serve = service_fn(move |request: Request<hyper::body::Incoming>| {
        let (service, busy) = (service.clone(), phase.busy());
        async move {
            let mut response = service.serve(request, peer, local).await;
            response.body_mut().keep_busy(busy);
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    // Slow clients are seen by `Timed`, at less cost than hyper's timer per request.
    builder.header_read_timeout(None);
    let connection = builder.serve_connection(TokioIo::new(io), serve);
    tokio::pin!(connection);
    let mut closed = false;
    loop {
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(%peer, %error, "a connection ended early");
                }
                return;
            }
            () = closing.cancelled(), if !closed => {
                closed = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
