//! The bytes of a session, moved by whoever waits for its answers.
//!
//! The driver means a connection to have a task of its own. Then every answer is read by one task and handed to another, often on
//! another core, and waking that core costs more than most queries. Here the future that waits also reads: see
//! [`Wire::during`]. Between requests nobody reads, and [`Wire::look`] notices what came meanwhile, such as the server's goodbye.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::connect::RawConnection;
use super::stream::MessageTooLarge;

/// How long a session that is given up may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// Why a session ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    MessageTooLarge { bytes: usize },
    Lost(String),
}

/// One connection to the server, and why it ended.
pub(super) struct Wire {
    /// Taken out while it is being moved.
    connection: Mutex<Option<Box<RawConnection>>>,
    broken: OnceLock<Broken>,
    /// Owns the task that says goodbye.
    tasks: TaskTracker,
}

impl Wire {
    pub(super) fn new(connection: RawConnection, tasks: TaskTracker) -> Self {
        let connection = Mutex::new(Some(Box::new(connection)));
        Self { connection, broken: OnceLock::new(), tasks }
    }

    /// Why the connection ended, if it did so by itself.
    pub(super) fn broken(&self) -> Option<&Broken> {
        self.broken.get()
    }

    /// Does some work and moves the bytes that it waits for. Cancel-safe as far as the work is: the connection stays.
    pub(super) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut moving = Moving { wire: self, connection: self.take() };
        let mut work = pin!(work);
        std::future::poll_fn(|context| {
            moving.poll(context);
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            // What the work asks for leaves at once.
            moving.poll(context);
            Poll::Pending
        })
        .await
    }

    /// Takes in what the server sent while nobody waited.
    pub(super) fn look(&self) {
        let mut moving = Moving { wire: self, connection: self.take() };
        moving.poll(&mut Context::from_waker(Waker::noop()));
    }

    fn take(&self) -> Option<Box<RawConnection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Wire {
    /// The session's client is gone by now, which makes the connection end the session in order.
    fn drop(&mut self) {
        // Without a runtime the socket is closed and the server finds out by itself.
        if let (Some(connection), Ok(runtime)) = (self.take(), Handle::try_current()) {
            let goodbye = async move { drop(tokio::time::timeout(GOODBYE, connection).await) };
            drop(self.tasks.spawn_on(goodbye, &runtime));
        }
    }
}

/// The connection while it is moved; it goes back in the end.
struct Moving<'a> {
    wire: &'a Wire,
    connection: Option<Box<RawConnection>>,
}

impl Moving<'_> {
    fn poll(&mut self, context: &mut Context<'_>) {
        let Some(connection) = &mut self.connection else { return };
        if let Poll::Ready(ended) = Pin::new(&mut **connection).poll(context) {
            if let Err(error) = ended {
                // Noted before the connection is dropped, because that is what wakes whoever waits for an answer.
                let _ = self.wire.broken.set(why(&error));
            }
            self.connection = None;
        }
    }
}

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let mut place = self.wire.connection.lock().unwrap_or_else(PoisonError::into_inner);
            *place = Some(connection);
        }
    }
}

fn why(error: &tokio_postgres::Error) -> Broken {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let io = cause.downcast_ref::<io::Error>();
        let inner = io.and_then(io::Error::get_ref);
        if let Some(large) = inner.and_then(|inner| inner.downcast_ref::<MessageTooLarge>()) {
            return Broken::MessageTooLarge { bytes: large.bytes };
        }
        source = cause.source();
    }
    Broken::Lost(error.to_string())
}
