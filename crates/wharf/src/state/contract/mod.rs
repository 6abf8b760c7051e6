//! The suite that every store must pass.
//!
//! A store that a fleet shares is only as good as its worst promise under two callers at once; so each promise of
//! [`StateStore`] has a case here, and each store runs all of them: the one in memory with paused time, an engine with
//! real time and a tolerance.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use futures_util::future::BoxFuture;
//! use wharf::state::{MemoryLimits, MemoryStore, StateStore, contract::{self, Harness}};
//!
//! struct Memory;
//!
//! impl Harness for Memory {
//!     fn open(&self) -> BoxFuture<'_, Arc<dyn StateStore>> {
//!         Box::pin(async { Arc::new(MemoryStore::default()) as Arc<dyn StateStore> })
//!     }
//!     fn pass(&self, time: Duration) -> BoxFuture<'_, ()> {
//!         Box::pin(tokio::time::sleep(time))
//!     }
//!     fn key_bytes(&self) -> usize {
//!         MemoryLimits::default().key_bytes
//!     }
//!     fn value_bytes(&self) -> usize {
//!         MemoryLimits::default().value_bytes
//!     }
//! }
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
//! # runtime.block_on(async {
//! for case in contract::CASES {
//!     println!("{}", case.name);
//!     case.run(&Memory).await;
//! }
//! # });
//! ```

mod cancelled;
mod leases;
mod logs;
mod quotas;
mod topics;
mod values;

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use super::{StateError, StateStore};

/// How the suite reaches a store, and how time passes for it.
pub trait Harness: Sync {
    /// A store with nothing in it that no other case uses.
    fn open(&self) -> BoxFuture<'_, Arc<dyn StateStore>>;

    /// Lets time pass: a paused clock is advanced, a real one waited for.
    fn pass(&self, time: Duration) -> BoxFuture<'_, ()>;

    /// The longest key that the store takes, in bytes.
    fn key_bytes(&self) -> usize;

    /// The longest value that the store takes, in bytes.
    fn value_bytes(&self) -> usize;

    /// How much earlier or later than promised something may happen. Nothing by default.
    fn tolerance(&self) -> Duration {
        Duration::ZERO
    }
}

/// One promise.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Case {
    /// The behaviour that is promised.
    pub name: &'static str,
    check: for<'a> fn(&'a dyn Harness) -> BoxFuture<'a, ()>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Case {
    /// Checks the promise.
    ///
    /// # Panics
    /// When the store does not keep it.
    pub async fn run(&self, harness: &dyn Harness) {
        (self.check)(harness).await;
    }
}

macro_rules! cases {
    ($($module:ident: $($name:ident)+;)+) => {
        /// All promises.
        pub const CASES: &[Case] = &[
            $($(Case {
                name: stringify!($name),
                check: |harness| Box::pin($module::$name(harness)),
            },)+)+
        ];
    };
}

cases! {
    values:
        what_was_put_is_found_until_it_is_deleted
        names_and_values_are_any_bytes
        each_kind_has_its_own_names
        a_value_ends_exactly_at_its_time_to_live
        a_later_write_replaces_the_time_to_live
        a_swap_needs_what_it_expects
        of_two_swaps_at_once_one_wins
        no_increment_is_lost
        the_longest_key_fits_and_a_longer_one_is_refused
        the_longest_value_fits_and_a_longer_one_is_refused
        many_keys_stay_apart;
    quotas:
        a_burst_is_granted_and_then_one_per_interval
        a_refused_take_takes_nothing
        a_bucket_never_holds_more_than_its_burst
        more_than_the_burst_is_never_granted
        takes_at_once_grant_the_burst_and_no_more
        a_smaller_quota_forgives_what_a_wider_one_took;
    leases:
        a_lease_has_one_holder
        a_lease_ends_at_its_time
        a_renewed_lease_is_held_from_then_on
        an_old_holder_can_neither_renew_nor_release
        of_many_that_acquire_at_once_one_holds;
    logs:
        entries_are_read_in_the_order_of_their_numbers
        the_oldest_entries_go_and_the_reader_learns_it
        a_log_is_forgotten_after_its_time_and_its_numbers_go_on
        entries_appended_at_once_are_all_there;
    topics:
        every_listener_hears_what_comes_after_it
        a_slow_listener_is_told_and_holds_nobody_up
        a_listener_that_leaves_is_missed_by_nobody;
    cancelled:
        a_dropped_operation_is_done_or_not_done
        a_dropped_wait_for_a_message_loses_none;
}

#[track_caller]
fn ok<T>(result: Result<T, StateError>) -> T {
    result.unwrap_or_else(|error| panic!("the store failed: {error}"))
}

/// As [`ok`], over an operation.
macro_rules! done {
    ($operation:expr) => {
        $crate::state::contract::ok($operation.await)
    };
}
use done;

/// A span of time in which something must happen or not happen: long enough that a real clock can tell.
const SPAN: Duration = Duration::from_millis(400);

/// Lets everything but the last moment of `time` pass, then [`after`] the rest of it.
async fn just_before(harness: &dyn Harness, time: Duration) {
    let moment = harness.tolerance() + Duration::from_millis(1);
    harness.pass(time.saturating_sub(moment)).await;
}

async fn just_after(harness: &dyn Harness) {
    let moment = harness.tolerance() + Duration::from_millis(1);
    harness.pass(moment + harness.tolerance()).await;
}

/// Runs `count` of `act` at once, on as many tasks, and gives their results.
async fn at_once<T, F>(count: usize, act: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|index| tokio::spawn(act(index))).collect();
    let mut results = Vec::with_capacity(count);
    for task in tasks {
        match task.await {
            Ok(result) => results.push(result),
            Err(error) => panic!("a task failed: {error}"),
        }
    }
    results
}
