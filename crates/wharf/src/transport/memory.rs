//! A connection within the process: for tests, and for servers that are embedded in a client.

use std::sync::Arc;

use tokio::{
    io::{DuplexStream, duplex, split},
    task::JoinHandle,
};

use super::{lines, shutdown::Shutdown};
use crate::{caller::Caller, server::Service};

/// Bytes that may wait in each direction.
const BUFFER_BYTES: usize = 64 * 1024;

/// Serves `service` to the returned stream, one JSON-RPC message per line. The task ends when the stream is dropped or
/// `shutdown` begins.
pub fn connect(
    service: &Service,
    caller: Caller,
    shutdown: &Shutdown,
) -> (DuplexStream, JoinHandle<std::io::Result<()>>) {
    let (near, far) = duplex(BUFFER_BYTES);
    let (service, shutdown) = (service.clone(), shutdown.clone());
    let task = tokio::spawn(async move {
        let (reader, writer) = split(far);
        lines::serve(&service, Arc::new(caller), reader, writer, &shutdown).await
    });
    (near, task)
}
