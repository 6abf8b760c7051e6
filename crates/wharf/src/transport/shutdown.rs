//! Ending in good order: stop accepting, let calls finish, and answer those that do not in time.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::server::Service;

/// Tells transports to end, and how long calls may take to finish.
#[derive(Debug, Clone)]
pub struct Shutdown {
    token: CancellationToken,
    grace: Duration,
}

impl Shutdown {
    /// Ends when [`Shutdown::begin`] is called; running calls get `grace` to finish.
    pub fn new(grace: Duration) -> Self {
        Self { token: CancellationToken::new(), grace }
    }

    /// Ends on SIGTERM or SIGINT (Ctrl-C). A second signal ends the process at once.
    ///
    /// # Errors
    /// When signal handlers can't be installed.
    pub fn on_signals(grace: Duration) -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let shutdown = Self::new(grace);
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let begun = shutdown.clone();
        // Owned by the process: it ends with it.
        tokio::spawn(async move {
            for second in [false, true] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if second {
                    std::process::exit(130);
                }
                begun.begin();
            }
        });
        Ok(shutdown)
    }

    /// Begins to end.
    pub fn begin(&self) {
        self.token.cancel();
    }

    /// Resolves once the end has begun. Cancel-safe.
    pub async fn begun(&self) {
        self.token.cancelled().await;
    }

    pub(crate) fn grace(&self) -> Duration {
        self.grace
    }
}

impl Service {
    /// Streams end and readiness turns off; running calls go on.
    pub(crate) fn close(&self) {
        self.0.closing.cancel();
    }

    /// What still runs is answered with SERVICE_UNAVAILABLE.
    pub(crate) fn abort(&self) {
        self.0.abort.cancel();
    }
}
