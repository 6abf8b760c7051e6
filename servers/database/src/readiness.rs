//! Whether the database can be read: what `/readyz` asks.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use wharf::{Probe, Readiness};

use crate::{request::QueryRequest, sqlite::Database};

/// Longest time that the check may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads the schema, which fails on a file that is missing, locked or no database.
pub(crate) struct SqliteProbe(pub(crate) Database);

impl Probe for SqliteProbe {
    fn name(&self) -> &str {
        "sqlite"
    }

    fn check(&self) -> BoxFuture<'_, Readiness> {
        Box::pin(async {
            let mut request = QueryRequest::new("SELECT count(*) FROM sqlite_schema");
            request.timeout = Some(PATIENCE.min(self.0.limits().max_timeout));
            match self.0.query(request, &CancellationToken::new()).await {
                Ok(_) => Readiness::Ready,
                Err(error) => Readiness::NotReady(error.to_string()),
            }
        })
    }
}
