//! The state file of `[state]`: opened once, shared by all servers, asked by `/readyz`.

use std::sync::Arc;

use anyhow::Context as _;
use wharf::{Probe, Readiness, state::StateStore};
use wharf_store::sqlite::{OpenError, SqliteLimits, SqliteStore};

use crate::{config::State, exit::Exit, failure::Failure};

/// The store, if there is a file for it.
///
/// # Errors
/// A file that can't be used: without what it says, calls could run twice.
pub(crate) async fn open(state: &State) -> anyhow::Result<Option<Arc<SqliteStore>>> {
    let Some(path) = state.file.clone() else { return Ok(None) };
    // It waits for the disk and for other processes.
    let opening =
        tokio::task::spawn_blocking(move || SqliteStore::open(&path, SqliteLimits::default()));
    match opening.await.context("state.file")? {
        Ok(store) => Ok(Some(Arc::new(store))),
        Err(error @ (OpenError::Foreign(_) | OpenError::Newer { .. })) => {
            Err(Failure::new(Exit::Usage, format!("state.file: {error}")).into())
        }
        Err(error) => Err(Failure::new(Exit::Internal, format!("state.file: {error}")).into()),
    }
}

/// Reads from the file: its thread lives and the engine answers.
pub(crate) struct StateProbe(pub(crate) Arc<SqliteStore>);

impl Probe for StateProbe {
    fn name(&self) -> &str {
        "state"
    }

    fn check(&self) -> futures_util::future::BoxFuture<'_, Readiness> {
        Box::pin(async {
            match self.0.get(b"readiness").await {
                Ok(_) => Readiness::Ready,
                Err(error) => Readiness::NotReady(error.to_string()),
            }
        })
    }
}
