//! Changes asked for from asynchronous code: when the answer comes, it is known whether the change was made.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::database::{Database, closed};
use super::settings::Source;
use super::watch::{Stop, StopOnDrop, Watch};
use super::write;
use crate::engine::Answer;
use crate::error::DatabaseError;
use crate::write::{Touched, WriteRequest, Writer};

/// How long a stopped change may take to roll back before its caller is told that nobody knows.
const ROLL_BACK_PATIENCE: Duration = Duration::from_secs(5);

impl Database {
    /// Whether the configuration lets rows be changed.
    pub(super) fn may_write(&self) -> bool {
        self.inner.settings.writes
    }

    async fn run_change(
        &self,
        request: &WriteRequest,
        expected: Option<Touched>,
    ) -> Result<Touched, DatabaseError> {
        let inner = &self.inner;
        let Source::File(path) = &inner.settings.source else {
            return Err(DatabaseError::refused(
                "a change of the sample",
                "name a file of your own",
            ));
        };
        let timeout = inner.settings.limits.timeout(request.timeout)?;
        let place = tokio::select! {
            biased;
            () = inner.closing.cancelled() => return Err(closed()),
            place = inner.pool.acquire() => place?,
        };
        let watch = Watch::new(inner.settings.limits.max_work_steps, timeout);
        let _stop_on_drop = StopOnDrop(Arc::clone(&watch));
        let work = {
            let (inner, watch) = (Arc::clone(inner), Arc::clone(&watch));
            let (path, request) = (path.clone(), request.clone());
            move || {
                let started = Instant::now();
                // A panic drops the connection, which rolls back.
                let answer = catch_unwind(AssertUnwindSafe(|| {
                    write::run(&path, &inner.settings, &request, expected, &watch)
                }));
                inner.pool.record(started, !matches!(answer, Ok(Ok(_))));
                drop(place);
                answer.unwrap_or_else(|_panic| Err(DatabaseError::internal("a change panicked")))
            }
        };
        let mut task = inner.tasks.spawn_blocking(work);
        let why = tokio::select! {
            biased;
            done = &mut task => return done.unwrap_or_else(|error| Err(DatabaseError::internal(error.to_string()))),
            () = inner.closing.cancelled() => Stop::Cancelled,
            () = tokio::time::sleep(timeout) => Stop::Timeout,
        };
        watch.stop(why);
        // Only the thread knows whether the stop came before the commit.
        match tokio::time::timeout(ROLL_BACK_PATIENCE, task).await {
            Ok(done) => {
                done.unwrap_or_else(|error| Err(DatabaseError::internal(error.to_string())))
            }
            Err(_elapsed) => Err(DatabaseError::OutcomeUnknown {
                reason: "it was still being rolled back or committed when time ran out".into(),
            }),
        }
    }
}

impl Writer for Database {
    fn counts_further_rows(&self) -> bool {
        true
    }

    fn change<'a>(
        &'a self,
        request: &'a WriteRequest,
        expected: Option<Touched>,
    ) -> Answer<'a, Touched> {
        Box::pin(self.run_change(request, expected))
    }
}
