//! `wharf stdio`: one server on stdin and stdout, as desktop clients start it.

use wharf::{
    Caller,
    transport::{Shutdown, stdio},
};

use crate::{
    cli::StdioOptions, databases, durable, exit::Exit, failure::Failure, hosting, logging,
};

/// Serves until stdin ends or a signal comes.
///
/// # Errors
/// A configuration that can't be used, or a broken stdin or stdout.
pub(crate) async fn run(options: &StdioOptions) -> anyhow::Result<Exit> {
    let settings = options.server.settings(None)?;
    logging::start(&settings.logging);
    let store = durable::open(&settings.state).await?;
    let hosted = hosting::build(&settings, store.as_ref(), None)?;
    let [server] = hosted.as_slice() else {
        return Err(Failure::usage("name one server").into());
    };
    databases::keep_promises(&settings, &hosted).await?;
    let caller = Caller::local().with_grants(settings.auth.local);
    let shutdown = Shutdown::on_signals(settings.limits.shutdown_grace)?;
    let running = databases::Running::start(&hosted);
    let served = stdio::serve(&server.service, caller, &shutdown).await;
    running.close().await;
    if let Some(store) = store {
        store.close().await;
    }
    served?;
    Ok(Exit::Success)
}
