//! Patience: how long an answer may take. The clock starts again whenever the server reports progress, and stands still while a
//! person is asked something; otherwise a slow typist would lose the call to its own timeout.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The clock of one connection.
#[derive(Debug)]
pub(crate) struct Patience {
    limit: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    since: Instant,
    asking: usize,
}

/// Stops the clock until dropped.
#[derive(Debug)]
pub(crate) struct Paused<'a>(&'a Patience);

impl Patience {
    /// A clock that starts now.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, state: Mutex::new(State { since: Instant::now(), asking: 0 }) }
    }

    /// How long the server may be silent.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Starts the clock again.
    pub(crate) fn restart(&self) {
        self.with(|state| state.since = Instant::now());
    }

    /// Stops the clock until the result is dropped.
    pub(crate) fn pause(&self) -> Paused<'_> {
        self.with(|state| state.asking += 1);
        Paused(self)
    }

    /// Returns when the server has been silent for too long. Cancel safe.
    pub(crate) async fn exhausted(&self) {
        loop {
            let deadline = self.with(|state| {
                let since = if state.asking > 0 { Instant::now() } else { state.since };
                since + self.limit
            });
            if deadline <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(deadline).await;
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        self.0.with(|state| {
            state.asking -= 1;
            state.since = Instant::now();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    async fn elapsed_at_exhaustion(patience: &Patience, started: Instant) -> u64 {
        patience.exhausted().await;
        started.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn progress_starts_the_clock_again() {
        let (patience, started) = (Patience::new(LIMIT), Instant::now());
        tokio::time::advance(Duration::from_secs(6)).await;
        patience.restart();
        assert_eq!(elapsed_at_exhaustion(&patience, started).await, 16);
    }

    #[tokio::test(start_paused = true)]
    async fn asking_a_person_stops_the_clock() {
        let (patience, started) = (Patience::new(LIMIT), Instant::now());
        let asking = async {
            let _paused = patience.pause();
            tokio::time::sleep(Duration::from_secs(35)).await;
        };
        let (_, elapsed) = tokio::join!(asking, elapsed_at_exhaustion(&patience, started));
        assert_eq!(elapsed, 45);
    }
}
