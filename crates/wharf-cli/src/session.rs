//! A session: one connection for one command. It puts the timeout and Ctrl-C around every step, and closes the connection in all
//! cases, so a spawned server never outlives the command.

#![expect(deprecated, reason = "log messages are deprecated, and servers still have them")]

use std::{sync::Arc, time::Duration};

use rmcp::{
    model::{LoggingLevel, RequestMetaObject, ServerPeerInfo},
    service::{RoleClient, RunningService},
};

use crate::{
    asking::Asker, cli::ClientOptions, exit::Exit, failure::Failure, handler::Handler,
    patience::Patience, target::Target,
};

/// How long a cancelled request gets to reach the server before the connection closes.
const CANCELLATION_GRACE: Duration = Duration::from_millis(250);

/// The connection, as commands see it.
pub(crate) type Client = RunningService<RoleClient, Handler>;

/// Connects, runs `work`, and closes the connection.
///
/// # Errors
/// The failure of `work`, a timeout, or Ctrl-C; the last two cancel the request that is under way.
pub(crate) async fn run<T>(
    target: &Target,
    options: &ClientOptions,
    work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let patience = Arc::new(Patience::new(options.timeout));
    let handler = || Handler::new(Asker::new(options.answers.clone()), Arc::clone(&patience));
    let mut client = within(&patience, target.connect(options, handler)).await?;
    patience.restart();
    let result = within(&patience, work(&client)).await;
    client.service().clear();
    let gave_up = matches!(&result, Err(failure) if matches!(failure.exit(), Exit::Interrupted | Exit::Transport));
    if gave_up && !client.is_transport_closed() {
        // rmcp queues the cancellation when the request's future is dropped and does not tell when it is sent.
        tokio::time::sleep(CANCELLATION_GRACE).await;
    }
    // A second Ctrl-C does not wait for a server that is slow to end; dropping the client kills it.
    tokio::select! {
        _ = client.close() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    result
}

async fn within<T>(
    patience: &Patience,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        result = work => result,
        () = patience.exhausted() => Err(Failure::new(
            Exit::Transport,
            format!("no answer within {} seconds", patience.limit().as_secs_f64()),
        )
        .hint("--timeout SECONDS waits longer")),
        _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
    }
}

/// What the server said about itself.
pub(crate) fn server_info(client: &Client) -> Option<Arc<ServerPeerInfo>> {
    client.peer_info()
}

/// Asks for log messages. Since 2026-07-28 a server sends them only to requests that do.
pub(crate) fn request_meta(client: &Client) -> Option<RequestMetaObject> {
    let modern = server_info(client).is_some_and(|info| !info.protocol_version.has_initialize());
    modern.then(|| {
        let mut meta = RequestMetaObject::default();
        meta.set_log_level(LoggingLevel::Info);
        meta
    })
}
