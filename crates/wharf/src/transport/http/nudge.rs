//! Keeps the listener alive beside a handler that blocks its thread.
//!
//! An idle runtime waits for I/O on one of its workers while the others sleep. When a request arrives, that worker runs it
//! and wakes nobody, for there is nothing else to do; if the handler then blocks, nobody waits for I/O any more and the whole
//! process is deaf until it returns, however many workers sleep. So a thread outside the runtime makes a task ready now and
//! then: it wakes a sleeping worker, which afterwards waits for I/O in place of the blocked one.
//!
//! It can't interrupt a blocking handler, nor help once every worker is blocked: work that blocks belongs into
//! `tokio::task::spawn_blocking`.

use std::{
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use tokio::runtime::{Handle, RuntimeFlavor};

use super::connection::Places;

/// Longest time that a blocking handler keeps everybody else waiting while another worker is free.
const INTERVAL: Duration = Duration::from_millis(50);

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Nudge(Option<(mpsc::Sender<()>, JoinHandle<()>)>);

impl Nudge {
    /// Nudges the present runtime while there is a connection.
    pub(super) fn start(connections: Arc<Places>) -> Self {
        let runtime = Handle::current();
        if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
            // There is no other worker that could be woken.
            return Self(None);
        }
        let (alive, ended) = mpsc::channel::<()>();
        let thread = std::thread::Builder::new().name("wharf-nudge".to_owned()).spawn(move || {
            while ended.recv_timeout(INTERVAL) == Err(mpsc::RecvTimeoutError::Timeout) {
                if connections.taken() > 0 {
                    drop(runtime.spawn(std::future::ready(())));
                }
            }
        });
        match thread {
            Ok(thread) => Self(Some((alive, thread))),
            Err(error) => {
                tracing::warn!(%error, "a handler that blocks will also block the listener");
                Self(None)
            }
        }
    }
}

impl Drop for Nudge {
    fn drop(&mut self) {
        if let Some((alive, thread)) = self.0.take() {
            // It wakes at once and does nothing more.
            drop(alive);
            drop(thread.join());
        }
    }
}
