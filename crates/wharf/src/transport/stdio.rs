//! stdin and stdout: one message per line, nothing else on stdout (specification, basic/transports/stdio).

use std::{os::fd::AsFd, sync::Arc};

use super::{lines, pipe, shutdown::Shutdown};
use crate::{caller::Caller, server::Service};

/// Serves `service` on stdin and stdout until the input ends or `shutdown` begins. The caller is the one that
/// configuration gives to whoever started the process.
///
/// # Errors
/// When stdin or stdout fails.
pub async fn serve(service: &Service, caller: Caller, shutdown: &Shutdown) -> std::io::Result<()> {
    let reader = pipe::reader(std::io::stdin().as_fd())?;
    let writer = pipe::writer(std::io::stdout().as_fd())?;
    lines::serve(service, Arc::new(caller), reader, writer, shutdown).await
}
