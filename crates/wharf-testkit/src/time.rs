//! Time under a test's control.

use std::time::Duration;

use tokio::time::{advance as jump, sleep};

/// Turns that tasks get to act on the last timer, once time stands still again.
const TURNS: usize = 16;

/// Lets `duration` pass under `#[tokio::test(start_paused = true)]`: every timer that is due on the way fires in its order,
/// and what it wakes runs before the next one. Unlike [`tokio::time::advance`], which jumps, nothing is skipped.
///
/// ```
/// # use std::time::Duration;
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let began = tokio::time::Instant::now();
/// wharf_testkit::advance(Duration::from_secs(3600)).await;
/// assert_eq!(began.elapsed().as_secs(), 3600);
/// # }
/// ```
///
/// # Panics
/// When time is not paused: a test would really wait.
pub async fn advance(duration: Duration) {
    // Panics unless time is paused, and moves nothing.
    jump(Duration::ZERO).await;
    sleep(duration).await;
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}
